import { delimiterOf, parseCsv } from "/static/page/artifacts/csv.js";
import { sorted, tableOfCsv, tableOfJson } from "/static/page/artifacts/table.js";
import { equal, rule } from "./harness.js";

const rows = (text, delimiter) => parseCsv(text, delimiter).rows;

function refusal(make) {
  try {
    make();
    return "";
  } catch ({ message }) {
    return message;
  }
}

rule("records end with LF, CRLF or CR, and the last one also without", () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    const wanted = [["a", "b"], ["1", "2"]];
    equal(rows(`a,b${end}1,2`), wanted);
    equal(rows(`a,b${end}1,2${end}`), wanted);
  }
});

rule("quoted fields hold delimiters, line ends and doubled quotes", () => {
  const wanted = [["a,b", "c\r\nd", 'say "hi"'], ["1", "2", "3"]];
  equal(rows('"a,b","c\r\nd","say ""hi"""\n1,2,3'), wanted);
});

rule("empty fields are kept, at the end of the text too", () => {
  equal(rows("a,,c\n,,\n1,"), [["a", "", "c"], ["", "", ""], ["1", ""]]);
  equal(rows('"",x'), [["", "x"]]);
});

rule("empty lines are no records, and a byte order mark is no part of the first field", () => {
  equal(rows("\ufeffa,b\n\n1,2\n\n"), [["a", "b"], ["1", "2"]]);
});

rule("a quote within a field stands for itself, and so does what follows a closing quote", () => {
  equal(rows('5" pipe,x\n"a"b,y'), [['5" pipe', "x"], ["ab", "y"]]);
});

rule("a quoted field without an end is told by its line", () => {
  const found = parseCsv('a,b\n1,2\n"x,3\n4,5');
  equal([found.unclosed, found.rows.at(-1)], [3, ["x,3\n4,5"]]);
  equal(parseCsv('a\n"x"').unclosed, 0);
});

rule("the delimiter is what the first line has most of, outside of quotes", () => {
  equal(delimiterOf("a,b,c\n1;2;3;4"), ",");
  equal(delimiterOf('"a,b,c,d";e;f\n'), ";");
  equal(delimiterOf("a\tb\tc"), "\t");
  equal(delimiterOf("word"), ",");
});

rule("what a parser reads it has from a writer: any cells come back", () => {
  const cells = ["", "a", ",", '"', "\n", '",\r\n"', " x ", "=1+1", "\u202e", "<b>"];
  const written = cells.map((cell) => `"${cell.replaceAll('"', '""')}"`);
  const text = `${written.join(",")}\n${written.toReversed().join(",")}`;
  equal(rows(text), [cells, cells.toReversed()]);
});

rule("a column is numeric where every cell that is not empty is a number", () => {
  const { columns } = tableOfCsv("a,b,c,d\n1,x,,-2.5e3\n,2,,50%");
  equal(columns.map(({ numeric }) => numeric), [true, false, false, true]);
});

rule("formulas, hexadecimal numbers and words are no numbers", () => {
  const { columns } = tableOfCsv("a,b,c,d\n=1,0x10,NaN,Infinity");
  equal(columns.some(({ numeric }) => numeric), false);
});

rule("short rows are filled, long ones widen the table, and both are counted", () => {
  const { columns, rows: cells, ragged } = tableOfCsv("a,b\n1\n1,2,3\n1,2");
  equal(columns.map(({ name }) => name), ["a", "b", "column 3"]);
  equal([cells, ragged], [[["1", "", ""], ["1", "2", "3"], ["1", "2", ""]], 2]);
});

rule("what is no table is refused in words", () => {
  equal(refusal(() => tableOfCsv("")), "it has no rows under its header");
  equal(refusal(() => tableOfCsv("a,b")), "it has no rows under its header");
  equal(refusal(() => tableOfCsv('a\n"b')), "the quotes that open on line 2 are never closed");
  const long = `a\n${",".repeat(9999)}\n${"1\n".repeat(1000)}`;
  equal(refusal(() => tableOfCsv(long)), "its rows have very different lengths");
});

rule("an array of flat objects is a table with the columns of all of them", () => {
  const { columns, rows: cells } = tableOfJson([{ a: 1, b: null }, { c: "x", a: true }]);
  equal(columns.map(({ name }) => name), ["a", "b", "c"]);
  equal(cells, [["1", "", ""], ["true", "", "x"]]);
});

rule("other JSON is no table", () => {
  const others = [[], {}, "x", null, [1], [[1]], [null], [{}], [{ a: {} }], [{ a: 1 }, 2]];
  equal(others.map(tableOfJson), others.map(() => null));
});

rule("a key __proto__ is a column like any other, and missing is missing", () => {
  const { columns, rows: cells } = tableOfJson(JSON.parse('[{"__proto__":"x"},{"constructor":1}]'));
  equal(columns.map(({ name }) => name), ["__proto__", "constructor"]);
  equal(cells, [["x", ""], ["", "1"]]);
});

rule("numbers are ordered as numbers, words as people count, empty cells last", () => {
  const numbers = tableOfCsv("a,b\n10,x10\n9,x9\n,\n-1,X1");
  equal(sorted(numbers, 0, "ascending"), [3, 1, 0, 2]);
  equal(sorted(numbers, 0, "descending"), [0, 1, 3, 2]);
  equal(sorted(numbers, 1, "ascending"), [3, 1, 0, 2]);
});

rule("rows that are equal keep their order, in both directions", () => {
  const table = tableOfCsv("a,b\n1,x\n1,y\n1,z");
  equal(sorted(table, 0, "ascending"), [0, 1, 2]);
  equal(sorted(table, 0, "descending"), [0, 1, 2]);
});
