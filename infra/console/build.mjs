// Builds the console's assets: node build.mjs <node_modules> <sources> <pages> <output>. Called by build.py.
import { createRequire } from 'node:module';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [modules, sources, pages, output] = process.argv.slice(2);
const require = createRequire(join(modules, 'x.js'));
const esbuild = require('esbuild');
const { PurgeCSS } = require('purgecss');
const css = require('lightningcss');
const read = (...path) => readFileSync(join(...path), 'utf8');

// Browsers of Chinese offices: Chromium 108 and newer. light-dark() is lowered for them.
const OLDEST = { chrome: 108 << 16, firefox: 115 << 16, safari: (16 << 16) | (4 << 8) };
const SHEETS = ['tokens', 'frame', 'controls', 'parts', 'pages', 'details', 'own', 'media'];

const purged = await new PurgeCSS().purge({
  content: [`${pages}/**/*.html`, `${sources}/*.js`],
  css: [{ raw: read(modules, '@tabler/core/dist/css/tabler.min.css').replace('@charset "UTF-8";', '') }],
});
// Tabler computes some colours with oklch(from …), which Chromium 108 lacks. Our tokens replace them.
const tabler = css.transform({
  filename: 'tabler.css', code: Buffer.from(purged[0].css), errorRecovery: true,
  visitor: { Declaration: (d) => (/oklch\(\s*from|color-mix/.test(JSON.stringify(d.value ?? '')) ? [] : undefined) },
}).code.toString();
const sheet = `@layer tabler{${tabler}}\n` + SHEETS.map((name) => read(sources, `${name}.css`)).join('\n');
const { code } = css.transform({ filename: 'console.css', code: Buffer.from(sheet), minify: true, targets: OLDEST, errorRecovery: true });
writeFileSync(join(output, 'console.css'), code);

const common = { minify: true, target: 'chrome108', logLevel: 'error', nodePaths: [modules] };
await esbuild.build({ ...common, entryPoints: [join(sources, 'console.js')], outfile: join(output, 'console.js'), bundle: true, format: 'iife' });
await esbuild.build({ ...common, entryPoints: [join(sources, 'charts.js')], outfile: join(output, 'charts.js'), bundle: true, format: 'iife' });
writeFileSync(join(output, 'htmx.js'), read(modules, 'htmx.org/dist/htmx.min.js'));
writeFileSync(join(output, 'inter-latin.woff2'), readFileSync(join(modules, '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2')));

const icons = JSON.parse(read(output, 'icons.json'));
const symbols = icons.map((name) => {
  const body = read(modules, `@tabler/icons/icons/outline/${name}.svg`).match(/<svg[^>]*>(.*)<\/svg>/s)[1];
  const drawn = body.replace(/<path stroke="none"[^>]*\/>/, '').replace(/\s+/g, ' ').trim();
  return `<symbol id="${name}" viewBox="0 0 24 24">${drawn}</symbol>`;
});
writeFileSync(join(output, 'icons.svg'), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}</svg>`);
