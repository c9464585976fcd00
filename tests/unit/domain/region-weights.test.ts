import { expect, test } from '@jest/globals';
import {
  isRegionWeights,
  parseRegionWeights,
  regionWeightOf,
} from '../../../src/domain/region-weights.ts';

test('a region has the weight that is named for it, every other one counts fully (R21)', () => {
  const weights = parseRegionWeights('eu-1=0.75, us-1=0');
  expect(regionWeightOf(weights, 'eu-1')).toBe(0.75);
  expect(regionWeightOf(weights, 'us-1')).toBe(0);
  expect(regionWeightOf(weights, 'ap-1')).toBe(1);
  expect(regionWeightOf(weights, null)).toBe(1);
  expect(regionWeightOf(parseRegionWeights(undefined), 'eu-1')).toBe(1);
});

test.each(['eu-1', 'eu-1=2', 'eu-1=-1', 'EU=1', 'eu-1=1,,us-1=1', ''])(
  'region weights written as %j are refused (R21)',
  (text) => {
    expect(isRegionWeights(text)).toBe(false);
    expect(isRegionWeights('eu-1=1,us-1=0.5')).toBe(true);
  },
);
