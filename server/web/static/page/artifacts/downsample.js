// Fewer points that draw the same line: pure.

/**
 * Keeps of each pixel's column the first, the lowest, the highest and the last point, so that no
 * peak is lost and the line enters and leaves the column where it did.
 *
 * @param {[number, number][]} points by growing x
 * @param {(x: number) => number} place of an x, in pixels
 * @returns {[number, number][]} at most four for each pixel, in order
 */
export function thinned(points, place) {
  const kept = [];
  let start = 0;
  while (start < points.length) {
    const column = Math.floor(place(points[start][0]));
    let end = start + 1;
    while (end < points.length && Math.floor(place(points[end][0])) === column) end += 1;
    if (end - start <= 4) for (let i = start; i < end; i += 1) kept.push(points[i]);
    else for (const i of extremes(points, start, end)) kept.push(points[i]);
    start = end;
  }
  return kept;
}

/** @returns {number} the place of the x in growing `xs` that is nearest to `x`; -1 of none */
export function nearest(xs, x) {
  let [low, high] = [0, xs.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - xs[low - 1] < xs[low] - x ? low - 1 : Math.min(low, xs.length - 1);
}

function extremes(points, start, end) {
  let [lowest, highest] = [start, start];
  for (let i = start; i < end; i += 1) {
    if (points[i][1] < points[lowest][1]) lowest = i;
    if (points[i][1] > points[highest][1]) highest = i;
  }
  return [...new Set([start, lowest, highest, end - 1])].sort((a, b) => a - b);
}
