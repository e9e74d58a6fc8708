// Accessibility checks of the page as it stands, by axe.
import { AxeBuilder } from '@axe-core/playwright';
import { type Page, expect } from '@playwright/test';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Fails with every broken rule and the elements that break it. `except` are rules that do not fit what is shown. */
export async function expectAccessible(page: Page, ...except: string[]): Promise<void> {
  const result = await new AxeBuilder({ page }).withTags(RULES).disableRules(except).analyze();
  const broken = result.violations.map(
    ({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `    ${node.target.join(' ')}: ${node.failureSummary}`).join('\n')}`,
  );
  expect(broken, `axe on ${page.url()}`).toEqual([]);
}

/** Runs the same checks by day and by night. */
export async function inBothThemes(page: Page, checks: () => Promise<void>): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await checks();
  }
}

/** Nothing is wider than the window, save what scrolls by itself and says so: code and tables. */
export async function expectFits(page: Page): Promise<void> {
  const wide = await page.evaluate(() => {
    const name = (element: Element) => `${element.tagName.toLowerCase()}.${element.className} is ${element.scrollWidth} in ${element.clientWidth}`;
    const frames = [document.documentElement, ...document.querySelectorAll('main, main .scroll, main .page')];
    return frames.filter((frame) => frame.scrollWidth > frame.clientWidth).map(name);
  });
  expect(wide, `sideways on ${page.url()} at ${page.viewportSize()?.width} px`).toEqual([]);
}
