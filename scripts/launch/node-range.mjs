// Answers whether a Node version satisfies the "engines" of package.json. Knows the part of the
// range grammar that engines use: comparators joined by blanks, alternatives joined by "||".

/** `satisfies('24.21.0', '>=24.16.0 <25 || >=26.1.0')` → true. Pre-releases count as their release. */
export function satisfies(version, range) {
  return range.split('||').some((alternative) =>
    alternative
      .trim()
      .split(/\s+/)
      .every((comparator) => holds(version, comparator)),
  );
}

function holds(version, comparator) {
  const match = /^(>=|<=|>|<|=)?v?(\d+)(?:\.(\d+))?(?:\.(\d+))?$/.exec(comparator);
  if (match === null) throw new Error(`"${comparator}" is not a comparator this launcher knows`);
  const [, operator = '=', ...parts] = match;
  const order = compare(
    numbers(version),
    parts.map((part) => Number(part ?? 0)),
  );
  switch (operator) {
    case '>=':
      return order >= 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '<':
      return order < 0;
    default:
      return order === 0;
  }
}

function numbers(version) {
  return version.replace(/^v/, '').split(/[.-]/).slice(0, 3).map(Number);
}

function compare(left, right) {
  for (let index = 0; index < 3; index += 1) {
    if (left[index] !== right[index]) return left[index] - right[index];
  }
  return 0;
}
