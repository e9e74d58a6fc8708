// The whole way without a mouse. The focus is always somewhere, and can be seen.
import type { Page } from '@playwright/test';

import { Chat, alive, open } from '../support/chat';
import { expect, test } from '../support/fixtures';
import { enter, somebody } from '../support/people';

/** What has the focus: a role or tag, and a name. */
async function focused(page: Page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body || element === document.documentElement) {
      return undefined;
    }
    // A text box shows its ring on the frame around it.
    const ringed = (one: Element | null) => {
      const style = one && getComputedStyle(one);
      return Boolean(style && ((style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== 'none'));
    };
    const name = element.getAttribute('aria-label') ?? element.id ?? '';
    const visible = ringed(element) || ringed(element.closest('.composer, .pal-i'));
    return { what: `${element.tagName.toLowerCase()} ${name || element.textContent?.trim().slice(0, 40)}`, visible };
  });
}

async function expectFocus(page: Page): Promise<void> {
  await expect.poll(() => focused(page), 'the focus is somewhere').toBeTruthy();
}

/** Presses Tab until something has the focus. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  const seen: string[] = [];
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press('Tab');
    const now = await focused(page);
    if (now) {
      expect(now.visible, `the focus on ${now.what} can be seen`).toBe(true);
      if (name.test(now.what)) {
        return;
      }
    }
    seen.push(now?.what ?? 'the page');
  }
  throw new Error(`Tab never came to ${name}; it saw ${seen.join(', ')}`);
}

test('signs up, talks, stops, finds, begins anew, deletes and takes it back', async ({ page }) => {
  const [chat, ada] = [new Chat(page), somebody()];
  await page.goto('/');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
  await tabTo(page, /Start free/);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/sign-up$/);
  await tabTo(page, /^input name/);
  await page.keyboard.type(ada.name);
  await tabTo(page, /^input email/);
  await page.keyboard.type(ada.email);
  await tabTo(page, /^input password/);
  await page.keyboard.type(ada.password);
  await alive(page, () => page.keyboard.press('Enter'));

  await page.keyboard.press('/');
  await expect(chat.message).toBeFocused();
  await page.keyboard.type('count to 300');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/chat\/[0-9a-f-]{36}$/);
  await chat.halfway();
  await expect(chat.message, 'whoever writes goes on writing').toBeFocused();
  await page.keyboard.press('Escape');
  await chat.ended();
  await expect(chat.answers.last()).toContainText('Stopped.');
  await expect(chat.message).toBeFocused();

  await page.keyboard.press('Shift+Tab');
  await expectFocus(page);
  await page.keyboard.press('ControlOrMeta+k');
  await expect(page.getByRole('combobox', { name: 'Search or do' })).toBeFocused();
  await page.keyboard.type('api');
  await expect(page.getByRole('option')).toHaveText([/API keys/]);
  await page.keyboard.press('Enter');
  await expect(chat.title).toHaveText('API keys');
  await expectFocus(page);
  await page.keyboard.press('ControlOrMeta+k');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('combobox', { name: 'Search or do' })).toBeHidden();
  await expectFocus(page);

  await page.keyboard.press('ControlOrMeta+Shift+O');
  await expect(page).toHaveURL(/\/chat$/);
  await expectFocus(page);
  await page.keyboard.press('ControlOrMeta+k');
  await page.keyboard.type('count');
  await expect(page.getByRole('option').first()).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/chat\/[0-9a-f-]{36}$/);
  await expect(chat.said).toHaveCount(1);
  await expectFocus(page);

  await tabTo(page, /^button More$/);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem', { name: 'Rename' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('textbox', { name: 'Title' })).toBeFocused();
  await page.keyboard.type('By hand');
  await page.keyboard.press('Enter');
  await expect(chat.title).toHaveText('By hand');
  await expectFocus(page);

  await tabTo(page, /^button More$/);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem', { name: 'Rename' })).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('menuitem', { name: 'Delete' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/chat$/);
  await expectFocus(page);
  await expect(chat.list.getByRole('link')).toHaveCount(0);
  await tabTo(page, /^button Undo/);
  await page.keyboard.press('Enter');
  await expect(chat.list.getByRole('link')).toHaveCount(1);
  await expectFocus(page);
});

test('keys that type stay with the text: input methods, new lines, single keys', async ({ page, app, context }) => {
  const chat = new Chat(page);
  await enter(context, app.url);
  await open(page, '/chat');
  await chat.message.focus();
  await page.keyboard.type('what / is ? this');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('second line');
  await expect(chat.message).toHaveValue('what / is ? this\nsecond line');
  await chat.message.dispatchEvent('keydown', { key: 'Enter', isComposing: true, keyCode: 229, bubbles: true, cancelable: true });
  await expect(page).toHaveURL(/\/chat$/);
  await expect(chat.message).toHaveValue('what / is ? this\nsecond line');
  await page.keyboard.press('Enter');
  await expect(chat.said).toContainText('second line');
  await chat.ended();
});

test('a list of the keys explains them, and closes to where one was', async ({ page, app, context }) => {
  await enter(context, app.url);
  await open(page, '/chat');
  await page.getByRole('link', { name: 'New chat' }).focus();
  await page.keyboard.press('?');
  const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(dialog).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('link', { name: 'New chat' })).toBeFocused();
});
