import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    include: ['labextension/tests/**/*.test.{ts,tsx}'],
    setupFiles: ['labextension/tests/setup.ts'],
    server: { deps: { inline: [/@jupyterlab/, /@jupyter\/ydoc/, /@lumino/] } }
  }
});
