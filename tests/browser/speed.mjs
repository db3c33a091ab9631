// How long the page takes for a log against the shipped pack, and for its first verdict, as `tidegate
// preview` serves it: `node speed.mjs TIDEGATE LOG` prints both in milliseconds, and what matched.
import { launch, open, says } from './page.mjs';
import { firstVerdict, start } from './served.mjs';

const [tidegate, log] = process.argv.slice(2);
const { child, url } = await start(tidegate, []);
const browser = await launch();
try {
  const { page } = await open(browser, url);
  await page.selectOption('#against', { label: 'the shipped rules' });
  await says(page, '#status', 'requests against');
  // From the file to the table, with all that the page does in between.
  await page.evaluate(() => document.querySelector('#file').addEventListener('change', () => { performance.clearMarks('verdict'); window.began = performance.now(); }, { capture: true }));
  await page.setInputFiles('#file', log);
  await page.waitForFunction(() => performance.getEntriesByName('verdict').length > 0, null, { timeout: 120000 });
  const millis = await page.evaluate(() => performance.getEntriesByName('verdict')[0].startTime - window.began);
  const count = await page.textContent('#count');
  await page.close();
  console.log(Math.round(millis), await firstVerdict(browser, url), count);
} finally {
  await browser.close();
  child.kill();
}
