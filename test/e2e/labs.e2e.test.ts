/** What a person does with a lab on the built page: bring files, good and bad, pause, step, cancel, pick, share, try a claim. */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { npyFile } from '../support/npy';
import { labState, openBrowser, textWithin, visit, waitForResult } from '../support/visit';

let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(async () => {
  await browser.close();
});

async function openLab(address: string): Promise<{ page: Page; lab: Locator; problems: readonly string[] }> {
  const { page, problems } = await visit(browser, `${inject('baseUrl')}#/lab/${address}`);
  return { page, lab: page.locator('tessella-lab'), problems };
}

async function waitForState(lab: Locator, ...states: string[]): Promise<void> {
  await expect.poll(() => labState(lab), { timeout: 30_000 }).toBeOneOf(states);
}

const file = (name: string, buffer: Uint8Array | string) => ({
  name,
  mimeType: 'application/octet-stream',
  buffer: Buffer.from(buffer),
});

it('multiplies two files that a person brings, and refuses a broken one without losing the others', async () => {
  const { page, lab, problems } = await openLab('matmul?v=1&m=16&n=16&k=16&variant=register&samples=3');
  await waitForResult(lab);
  const values = new Uint8Array(Float32Array.from({ length: 12 }, (_, index) => index).buffer);
  const [a, b] = [lab.locator('input[type=file]').nth(0), lab.locator('input[type=file]').nth(1)];
  await a.setInputFiles(file('a.npy', npyFile({ shape: '(3, 4)', data: values })));
  await b.setInputFiles(file('b.csv', '1,2\n3,4\n5,6\n7,8\n'));
  await expect.poll(() => textWithin(lab), { timeout: 30_000 }).toContain('b.csv');
  await waitForResult(lab);
  await b.setInputFiles(file('broken.csv', '1,2\n3,x\n'));
  await expect.poll(() => textWithin(lab)).toContain('broken.csv holds "x" in row 2, column 2');
  await waitForResult(lab);
  expect(await textWithin(lab)).toContain('b.csv');
  expect(await page.locator('[part=error]').count()).toBe(0);
  expect(problems).toEqual([]);
});

it('says which sizes do not fit, keeps the files, and runs again when they do', async () => {
  const { lab } = await openLab('matmul?v=1&m=16&n=16&k=16&variant=register&samples=3');
  await waitForResult(lab);
  await lab.locator('input[type=file]').nth(0).setInputFiles(file('a.csv', '1,2,3\n4,5,6\n'));
  await lab.locator('input[type=file]').nth(1).setInputFiles(file('b.csv', '1,2\n3,4\n'));
  await waitForState(lab, 'failed');
  expect(await textWithin(lab)).toContain('A is 2 x 3 and B is 2 x 2: A needs as many columns as B has rows.');
  await lab.locator('input[type=file]').nth(1).setInputFiles(file('c.csv', '1,2\n3,4\n5,6\n'));
  expect(await waitForResult(lab)).toBe('finished');
});

it('pauses, steps one frame, goes on, cancels and resets', async () => {
  const { lab } = await openLab('sinkhorn?v=1&samples=1024&epsilon=0.002&tolerance=1e-7');
  await waitForState(lab, 'running');
  await lab.getByRole('button', { name: 'Pause', exact: true }).click();
  await waitForState(lab, 'paused');
  const words = lab.locator('[part=words]').first();
  const before = await words.innerText();
  await lab.getByRole('button', { name: 'Step', exact: true }).click();
  await expect.poll(() => words.innerText(), { timeout: 20_000 }).not.toBe(before);
  expect(await labState(lab)).toBe('paused');
  await lab.getByRole('button', { name: 'Run', exact: true }).click();
  await waitForState(lab, 'running');
  await lab.getByRole('button', { name: 'Cancel', exact: true }).click();
  await waitForState(lab, 'cancelled');
  await lab.getByRole('button', { name: 'Reset', exact: true }).click();
  await waitForState(lab, 'idle');
});

it('shows what a picked pixel attends to, and puts it into the link', async () => {
  const { page, lab, problems } = await openLab('attention?v=1&size=24&variant=flash');
  expect(await waitForResult(lab)).toBe('listening');
  const picture = lab.locator('.picture.picks').first();
  const { width, height } = (await picture.boundingBox()) ?? { width: 0, height: 0 };
  await picture.click({ position: { x: width / 4, y: height / 2 } });
  await expect.poll(() => page.url()).toMatch(/queryX=\d+&queryY=\d+/);
  expect(await labState(lab)).toBe('listening');
  expect(problems).toEqual([]);
});

it('names the lab that was meant, and says what it could not use of a link', async () => {
  const { lab } = await openLab('sinkhron');
  await waitForState(lab, 'failed');
  expect(await textWithin(lab)).toContain('There is no lab "sinkhron". Did you mean "sinkhorn"?');
  const { lab: other } = await openLab('sinkhorn?v=0&preset=none&epsilon=99&samples=64&maximumIterations=2&nonsense=1');
  await waitForResult(other);
  const said = await textWithin(other);
  expect(said).toContain('There is no preset "none"');
  expect(said).toContain('The link is of an older version');
  expect(said).toContain('epsilon: 99 is above the range; it was set to 1.');
  expect(said).toContain('There is no parameter "nonsense"');
});

it('tries a claim and keeps what came of it', async () => {
  const { page } = await visit(browser, `${inject('baseUrl')}#/reproductions`);
  const row = page.locator('tr', { hasText: 'Every variant passes the test' });
  await row.getByRole('button', { name: 'Try' }).click();
  await row.getByText('holds', { exact: true }).waitFor({ timeout: 60_000 });
  await page.reload();
  await row.getByText('holds', { exact: true }).waitFor();
  expect(await row.innerText()).toContain('software');
});
