import { nullTranslator } from '@jupyterlab/translation';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { ApiError, type Client } from '../src/api/client';
import type { KnownValue, LoadedValue, ValueShown } from '../src/api/types';
import { formatBytes } from '../src/values/bytes';
import { ValuesModel } from '../src/values/model';
import { changeOf, ValuesView } from '../src/values/view';

const trans = nullTranslator.load('jupyter-pipe');
const RUN = { root: 'homes', runId: 'r2' };

function profile(names: string[]): ValueShown {
  const column = { type: 'int', rows: 3, nulls: 0, distinct: 3, low: 0, middle: 1, high: 2, histogram: [1, 1, 1], top: [] };
  return {
    ...{ stage: 'load', name: 'frame', type: 'DataFrame', rows: 3, contract: 'none', policy: '', by: '', findings: [] },
    ...{ columns_left_out: 0, batches: 0, last: null },
    columns: names.map(name => ({ ...column, name, drift: null, limit: null, expected: '', problems: [] }))
  } as unknown as ValueShown;
}

function known(name: string, change: Partial<KnownValue> = {}): KnownValue {
  return { stage: 'load', name, summary: 'int', bytes: 10, together: [], earlier: '', changed: null, profile: null, ...change };
}

function loaded(change: Partial<LoadedValue>): LoadedValue {
  const empty = { type: 'X', summary: 'X', shape: [], head: null, items: [], picture: null, text: '', problems: [] };
  return { ...empty, profile: profile([]), ...change };
}

/** A server that has these values; what is missing cannot be loaded. */
function client(values: KnownValue[], previews: Record<string, LoadedValue> = {}): Client {
  const asked: string[] = [];
  return {
    asked,
    values: () => Promise.resolve({ values }),
    preview: (_run: unknown, _stage: string, name: string) => {
      asked.push(name);
      return name in previews
        ? Promise.resolve(previews[name])
        : Promise.reject(new ApiError(403, 'run_untrusted', 'Run r2 is not signed by you.', 'Trust it.'));
    }
  } as unknown as Client;
}

async function draw(server: Client, first: string | null = null): Promise<[ValuesModel, () => HTMLElement]> {
  const model = new ValuesModel({ run: RUN, stage: 'load', first }, server);
  await model.read();
  const show = () => {
    const drawn = document.createElement('div');
    drawn.innerHTML = renderToStaticMarkup(<ValuesView {...{ model, trans }} />);
    return drawn;
  };
  return [model, show];
}

describe('values of a stage', () => {
  it('shows rows, columns, items, text and pictures', async () => {
    const head = { columns: [['city', 'str']] as [string, string][], labels: ['a', 'b'], rows: [['Ulm'], ['Bonn']] };
    const previews = {
      frame: loaded({ head, shape: [3, 1] }),
      settings: loaded({ items: [{ key: "'depth'", summary: 'list of 9', text: '[1, …]' }], text: '{…}' }),
      figure: loaded({ picture: { media_type: 'image/png', data: 'AAAA' }, problems: ['It has no text: KeyError'] })
    };
    const names = ['frame', 'settings', 'figure'];
    const [model, show] = await draw(client(names.map(name => known(name)), previews));
    expect(show().querySelector('.jp-pipe-Values-head')?.textContent).toBe('city straUlmbBonn');
    expect(show().textContent).toContain('2 of 3 rows');
    await model.choose('settings');
    expect(show().querySelector('tbody')?.textContent).toBe("'depth'list of 9[1, …]");
    expect(show().querySelector('pre')).toBeNull();
    await model.choose('figure');
    expect(show().querySelector('img')?.getAttribute('src')).toBe('data:image/png;base64,AAAA');
    expect(show().querySelector('[role=alert]')?.textContent).toContain('It has no text: KeyError');
  });

  it('says why a value is not loaded, and shows its profile all the same', async () => {
    const server = client([known('frame', { profile: profile(['price']) })]);
    const [model, show] = await draw(server);
    expect(show().querySelector('[role=alert]')?.textContent).toContain('Run r2 is not signed by you. Trust it.');
    expect(show().querySelector('section[aria-label=Columns] tbody th')?.textContent).toContain('price');
    await model.load('frame');
    expect((server as unknown as { asked: string[] }).asked).toEqual(['frame', 'frame']);
  });

  it('loads a value once', async () => {
    const server = client([known('a'), known('b')], { a: loaded({}), b: loaded({}) });
    const [model] = await draw(server);
    await model.choose('b');
    await model.choose('a');
    expect((server as unknown as { asked: string[] }).asked).toEqual(['a', 'b']);
  });

  it('looks first at what was asked for', async () => {
    const [, show] = await draw(client([known('a'), known('b')], { b: loaded({}) }), 'b');
    expect([...show().querySelectorAll('[aria-selected=true]')].map(tab => tab.textContent)).toEqual(['b']);
  });

  it('says that there is nothing, and that the server does not answer', async () => {
    const [, show] = await draw(client([]));
    expect(show().textContent).toContain('load left no values in this run.');
    const away = { values: () => Promise.reject(new ApiError(0, 'unreachable', 'The server does not answer.')) };
    const [, showAway] = await draw(away as unknown as Client);
    expect(showAway().querySelector('[role=alert]')?.textContent).toContain('The server does not answer.');
  });

  it.each([
    [true, 'changed (run r1)'],
    [false, 'the same (run r1)'],
    [null, '']
  ])('compares with the run before: %s', (changed, words) => {
    expect(changeOf(known('a', { changed, earlier: 'r1' }), trans)).toBe(words);
  });
});

it.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1000, '1.0 kB'],
  [123456, '123 kB'],
  [999_600, '1.0 MB'],
  [2.5e9, '2.5 GB']
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
