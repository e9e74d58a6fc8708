// Watches a browser context: whatever a developer would see in red or yellow fails the test.
// A warning from hydration is one of those, and the reason for all this.
import type { BrowserContext, Page } from '@playwright/test';

// The browser cancels requests itself: leaving a page, closing a stream.
const CANCELLED = /net::ERR_ABORTED/;
// Repeats what the watchers of responses and requests say better.
const REPEATED = /^Failed to load resource/;

export class Strict {
  private readonly seen: string[] = [];
  private readonly allowed: RegExp[] = [];

  constructor(context: BrowserContext) {
    context.on('page', (page) => this.watch(page));
    context.pages().forEach((page) => this.watch(page));
  }

  /** Expects problems whose text matches, such as `/^422 /` for a form that is meant to be refused. */
  allow(...patterns: RegExp[]): void {
    this.allowed.push(...patterns);
  }

  /** What was seen and not allowed. */
  get problems(): string[] {
    return this.seen.filter((text) => !this.allowed.some((pattern) => pattern.test(text)));
  }

  private watch(page: Page): void {
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !REPEATED.test(message.text())) {
        this.seen.push(`console ${message.type()}: ${message.text()}`);
      }
    });
    page.on('pageerror', (error) => this.seen.push(`uncaught: ${error.message}`));
    page.on('response', (response) => {
      if (response.status() >= 400) {
        this.seen.push(`${response.status()} ${response.request().method()} ${response.url()}`);
      }
    });
    page.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText ?? 'unknown';
      if (!CANCELLED.test(reason)) {
        this.seen.push(`failed: ${request.method()} ${request.url()} ${reason}`);
      }
    });
  }
}
