// The chat as a person uses it: by the names that the contract promises, and by little else.
import { type Locator, type Page, expect } from '@playwright/test';

const LIVE = /\/api\/v1\/live/;

/** Does what leads to a page of the workspace and waits until that is alive: it asks for its stream. */
export async function alive(page: Page, action: () => Promise<unknown>): Promise<void> {
  const asked = page.waitForRequest(LIVE);
  await action();
  await asked;
}

/** Opens a page of the workspace. */
export async function open(page: Page, path: string): Promise<void> {
  await alive(page, () => page.goto(path));
}

/** Loads the page again. */
export async function reload(page: Page): Promise<void> {
  await alive(page, () => page.reload());
}

export class Chat {
  readonly message: Locator;
  readonly send: Locator;
  readonly stop: Locator;
  readonly log: Locator;
  readonly title: Locator;
  readonly list: Locator;

  constructor(readonly page: Page) {
    this.message = page.getByRole('textbox', { name: 'Message' });
    this.send = page.getByRole('button', { name: 'Send', exact: true });
    this.stop = page.getByRole('button', { name: 'Stop', exact: true });
    this.log = page.getByRole('log', { name: 'Conversation' });
    this.title = page.getByRole('heading', { level: 1 });
    this.list = page.getByRole('navigation', { name: 'Conversations' });
  }

  /** What people said, oldest first. */
  get said(): Locator {
    return this.log.getByRole('article', { name: 'You' });
  }

  /** What agents answered, oldest first. */
  get answers(): Locator {
    return this.log.locator('article:not([aria-label="You"])');
  }

  /** The last answer's text, without what stands around it. */
  get text(): Locator {
    return this.answers.last().locator('.prose');
  }

  /** Types and sends, and waits until an answer has been asked for. */
  async ask(text: string): Promise<void> {
    const answers = (await this.log.count()) === 0 ? 0 : await this.answers.count();
    await this.message.fill(text);
    await this.message.press('Enter');
    await expect(this.answers).toHaveCount(answers + 1);
  }

  /** Waits until some of the last answer is there while more is still to come. */
  async halfway(words = 20): Promise<void> {
    await expect.poll(async () => (await this.words()).length, { intervals: [50] }).toBeGreaterThanOrEqual(words);
    await expect(this.stop).toBeVisible();
  }

  /** Waits until the last answer has ended, without doing anything. */
  async ended(): Promise<void> {
    await expect(this.answers.last().locator('.acts')).toBeVisible({ timeout: 30_000 });
    await expect(this.stop).toBeHidden();
  }

  /** The words of the last answer as shown. */
  async words(): Promise<string[]> {
    const texts = await this.text.allInnerTexts();
    return texts.join(' ').split(/\s+/).filter(Boolean);
  }

  /** The whole conversation as it is read out, times in the reader's own clock. */
  async snapshot(): Promise<string> {
    await expect(this.log.locator('time', { hasText: 'UTC' })).toHaveCount(0);
    return this.log.ariaSnapshot();
  }

  /** The id of the conversation that is open. */
  get id(): string {
    return new URL(this.page.url()).pathname.split('/')[2] ?? '';
  }

  /** From now on remembers every text that the last answer has shown. */
  async remember(): Promise<() => Promise<string[]>> {
    const seen = await this.page.evaluateHandle(() => {
      const texts: string[] = [];
      const look = () => {
        const text = [...document.querySelectorAll('[role=log] article:last-of-type .prose')].at(-1)?.textContent ?? '';
        if (text !== texts.at(-1)) {
          texts.push(text);
        }
      };
      new MutationObserver(look).observe(document.body, { childList: true, characterData: true, subtree: true });
      look();
      return texts;
    });
    return () => seen.jsonValue();
  }
}

/** `1 2 3 … most`: what `count to` answers. */
export function counted(most: number): string {
  return Array.from({ length: most }, (_, index) => index + 1).join(' ');
}

/** Every text is the beginning of the next: an answer only ever grew. */
export function expectGrowing(texts: string[], whole: string): void {
  const odd = texts.filter((text, index) => !whole.startsWith(text.trim()) || text.length < (texts[index - 1]?.length ?? 0));
  expect(odd, 'texts that are no beginning of the whole, or went back').toEqual([]);
}

export type Message = { id: string; author: string; text: string; partial: boolean };

/** A conversation's messages as the API tells them, oldest first. */
export async function messages(page: Page, url: string, id: string): Promise<Message[]> {
  const answer = await page.request.get(`${url}/api/v1/conversations/${id}/messages`);
  expect(answer.status()).toBe(200);
  return (await answer.json()).items;
}

/** Has a conversation through the API, each text answered before the next is said; its id. */
export async function discussed(page: Page, url: string, ...texts: string[]): Promise<string> {
  const started = await page.request.post(`${url}/api/v1/conversations`, { data: {} });
  expect(started.status()).toBe(201);
  const { id } = await started.json();
  for (const text of texts) {
    const headers = { accept: 'text/event-stream' };
    const sent = await page.request.post(`${url}/api/v1/conversations/${id}/messages`, { data: { text }, headers, timeout: 60_000 });
    expect(await sent.text()).toContain('event: run.finished');
  }
  return id;
}
