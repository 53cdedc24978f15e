/** Cases that the report and the terminal write alike: `tests/render/test_words.py`. */

import { expect, it } from 'vitest';
import shared from '../../tests/shared/durations.json';
import { formatSeconds } from '../src/runs/state';

it.each(shared.durations)('%d seconds are %s', (seconds, text) => {
  expect(formatSeconds(Number(seconds))).toBe(text);
});
