// People who use the product, and how they get in: by the forms, or by the API where a test is about something else.
import { randomUUID } from 'node:crypto';

import { type BrowserContext, type Page, expect } from '@playwright/test';

export type Person = { name: string; email: string; password: string };

/** Somebody whom no server has seen before. */
export function somebody(name = 'Ada Lovelace'): Person {
  return { name, email: `ada.${randomUUID()}@example.com`, password: 'a short sentence is fine' };
}

/** Fills in the form of `/sign-up` and sends it. */
export async function signUp(page: Page, person: Person): Promise<void> {
  await page.getByLabel('Name').fill(person.name);
  await page.getByLabel('Email').fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Create account' }).click();
}

/** Fills in the form of `/sign-in` and sends it. */
export async function signIn(page: Page, person: Pick<Person, 'email' | 'password'>): Promise<void> {
  await page.getByLabel('Email').fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Opens the account menu and leaves by it. */
export async function signOut(page: Page): Promise<void> {
  await page.getByTitle(/^Account of /).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
}

/** Signs somebody new up through the API; every page of the context is signed in from then on. */
export async function enter(context: BrowserContext, url: string, person = somebody()): Promise<Person> {
  const answer = await context.request.post(`${url}/api/v1/auth/sign-up`, { data: person });
  expect(answer.status(), await answer.text()).toBe(201);
  return person;
}
