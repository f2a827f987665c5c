/** `<tessella-lab>` in somebody else's page, from one module script. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { labState, openBrowser, textWithin, visit, waitForResult } from '../support/visit';

let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(async () => {
  await browser.close();
});

const fixture = (name: string): string => new URL(`fixtures/${name}`, inject('baseUrl')).href;

it('runs two labs on one engine, each with its own attributes', async () => {
  const { page, problems } = await visit(browser, fixture('embedding.html'));
  for (const id of ['warm', 'cool']) {
    const lab = page.locator(`#${id}`);
    await lab.scrollIntoViewIfNeeded();
    await waitForResult(lab);
  }
  expect(page.workers()).toHaveLength(1);
  const epsilons = await page
    .locator('tessella-lab')
    .evaluateAll((labs) => labs.map((lab) => lab.getAttribute('epsilon')));
  expect(epsilons).toEqual(['0.2', '0.05']);
  expect(problems).toEqual([]);
});

it('announces its status with an event that the page can listen to', async () => {
  const { page } = await visit(browser, fixture('embedding.html'));
  const heard = await page.evaluate(
    () =>
      new Promise<string>((resolve) => {
        document.addEventListener('tessella-status', (event) => {
          if (event.target instanceof Element) resolve(event.target.id);
        });
      }),
  );
  expect(['warm', 'cool']).toContain(heard);
});

it('can be taken out of the page and put back', async () => {
  const { page, problems } = await visit(browser, fixture('embedding.html'));
  const lab = page.locator('#warm');
  await waitForResult(lab);
  await lab.evaluate((element) => {
    const parent = element.parentNode;
    element.remove();
    parent?.append(element);
  });
  await lab.scrollIntoViewIfNeeded();
  await waitForResult(lab);
  expect(problems).toEqual([]);
});

it('names the labs that exist where one does not', async () => {
  const { page } = await visit(browser, fixture('bad-input.html'));
  const lab = page.locator('#unknown');
  await expect.poll(() => labState(lab)).toBe('failed');
  const text = await textWithin(lab);
  for (const word of ['sinkhron', 'matmul', 'sinkhorn', 'attention']) expect(text).toContain(word);
});

it('keeps running where attributes are out of range or of the wrong type, and says what it did', async () => {
  const { page } = await visit(browser, fixture('bad-input.html'));
  const lab = page.locator('#range');
  await lab.scrollIntoViewIfNeeded();
  await waitForResult(lab);
  await lab
    .getByText(/epsilon/i)
    .first()
    .waitFor();
});
