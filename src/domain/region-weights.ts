/** How much a host wants each region: 1 fully, 0 only when nothing else fits. Regions that are not named: 1. */
export type RegionWeights = ReadonlyMap<string, number>;

const ENTRY = /^([a-z0-9-]{1,40})=(0(?:\.\d{1,4})?|1(?:\.0{1,4})?)$/;

/** True for a text like `eu-1=1,us-1=0.5`: regions by name, weights from 0 to 1. */
export function isRegionWeights(text: string): boolean {
  return text.split(',').every((entry) => ENTRY.test(entry.trim()));
}

/** The weights of such a text; what does not fit the form is left out. */
export function parseRegionWeights(text: string | undefined): RegionWeights {
  const entries = (text ?? '').split(',').map((entry) => ENTRY.exec(entry.trim()));
  return new Map(
    entries.flatMap((match): [string, number][] =>
      match?.[1] === undefined ? [] : [[match[1], Number(match[2])]],
    ),
  );
}

export function regionWeightOf(weights: RegionWeights, region: string | null): number {
  return region === null ? 1 : (weights.get(region) ?? 1);
}
