// The smallest harness: a file of rules calls rule(sentence, check); run() tells which ones fail.

const rules = [];

export function rule(sentence, check) {
  rules.push([sentence, check]);
}

export function equal(found, wanted) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`found ${a}, wanted ${b}`);
}

/** @returns {Promise<{kept: number, broken: string[]}>} */
export async function run() {
  const broken = [];
  for (const [sentence, check] of rules) {
    try {
      await check();
    } catch (error) {
      broken.push(`${sentence}: ${error.message}`);
    }
  }
  return { kept: rules.length - broken.length, broken };
}
