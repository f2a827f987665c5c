/** The built page, as a stranger opens it. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { distinctColors, openBrowser, visit, waitForResult } from '../support/visit';

let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});

afterAll(async () => {
  await browser.close();
});

describe.each([
  { width: 1440, colorScheme: 'light' as const },
  { width: 390, colorScheme: 'dark' as const },
])('the page at $width pixels, $colorScheme', ({ width, colorScheme }) => {
  it('opens with a lab that comes to a visible result, and nothing goes wrong', async () => {
    const { page, problems } = await visit(browser, inject('baseUrl'), { width, colorScheme });
    const lab = page.locator('tessella-lab').first();
    await lab.waitFor();
    await waitForResult(lab);
    const canvases = await lab.locator('canvas').all();
    const colors = await Promise.all(canvases.map(distinctColors));
    expect(Math.max(...colors)).toBeGreaterThan(8);
    expect(problems).toEqual([]);
  });

  it('is no wider than the window', async () => {
    const { page } = await visit(browser, inject('baseUrl'), { width, colorScheme });
    await page.locator('tessella-lab').first().waitFor();
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBe(0);
  });
});

describe('a browser without WebGPU', () => {
  it('runs the same page on the reference device and says so', async () => {
    const without = await openBrowser({ webgpu: false });
    try {
      const { page, problems } = await visit(without, inject('baseUrl'));
      const lab = page.locator('tessella-lab').first();
      await lab.waitFor();
      await waitForResult(lab);
      await page
        .getByText(/reference device/i)
        .first()
        .waitFor();
      expect(problems).toEqual([]);
    } finally {
      await without.close();
    }
  });
});
