import type {Application, ServiceToken} from '../api/types.js'
import {closest} from '../core/closest.js'
import {UserError} from '../core/errors.js'
import {covers} from '../policy/application-match.js'
import type {AccessContext} from './context.js'
import {ztCommand} from './command-line.js'

/**
 * The service token that a person means: by id, Client ID or name (exactly, or without regard to case).
 *
 * @throws UserError `not-found` / `TOKEN_NOT_FOUND`, `ambiguous` / `TOKEN_AMBIGUOUS`
 */
export function resolveToken(
  ctx: AccessContext,
  wanted: string,
  tokens: readonly ServiceToken[],
): ServiceToken {
  const found = firstMatching(wanted, tokens, [
    (token, text) => token.id === text || token.clientId === text,
    (token, text) => token.name === text,
    (token, text) => token.name.toLowerCase() === text.toLowerCase(),
  ])
  const [token] = found
  if (token && found.length === 1) return token
  if (!token) {
    const meant = closest(
      wanted,
      tokens.map(({name}) => name),
    )
    throw new UserError({
      kind: 'not-found',
      code: 'TOKEN_NOT_FOUND',
      message: `There is no service token "${shown(wanted)}"`,
      why: 'No name, id or Client ID in the account is that.',
      next: [...(meant === undefined ? [] : [`Did you mean "${meant}"?`]), ztCommand(ctx, 'token', 'list')],
    })
  }
  throw ambiguous(
    'TOKEN_AMBIGUOUS',
    `Several service tokens are called "${wanted}"`,
    found.map(({id, name, createdAt}) => ({
      id,
      name,
      detail: createdAt === undefined ? undefined : `created ${createdAt}`,
    })),
  )
}

/**
 * The application that a person means: by id, name or domain; a host or URL that an application covers will do.
 *
 * @throws UserError `not-found` / `APPLICATION_NOT_FOUND`, `ambiguous` / `APPLICATION_AMBIGUOUS`
 */
export function resolveApplication(
  ctx: AccessContext,
  wanted: string,
  applications: readonly Application[],
): Application {
  const bare = wanted
    .replace(/^https?:\/\//, '')
    .replace(/\/$/, '')
    .toLowerCase()
  const [host = '', ...path] = bare.split('/')
  const found = firstMatching(wanted, applications, [
    (app, text) => app.id === text,
    (app, text) => app.name === text,
    (app) => app.domains.some((domain) => domain.toLowerCase() === bare),
    (app, text) => app.name.toLowerCase() === text.toLowerCase(),
    (app) => host.includes('.') && app.domains.some((domain) => covers(domain, host, `/${path.join('/')}`)),
  ])
  const [application] = found
  if (application && found.length === 1) return application
  if (!application) {
    const meant = closest(
      wanted,
      applications.flatMap(({name, domains}) => [name, ...domains]),
    )
    throw new UserError({
      kind: 'not-found',
      code: 'APPLICATION_NOT_FOUND',
      message: `There is no application "${shown(wanted)}"`,
      why: 'No name, id or domain of an Access application in the account is that.',
      next: [...(meant === undefined ? [] : [`Did you mean "${meant}"?`]), ztCommand(ctx, 'app', 'list')],
    })
  }
  throw ambiguous(
    'APPLICATION_AMBIGUOUS',
    `Several applications match "${wanted}"`,
    found.map(({id, name, domain}) => ({id, name, detail: domain})),
  )
}

/** Those that the first test which matches anything matches. */
function firstMatching<T>(
  wanted: string,
  all: readonly T[],
  tests: ((item: T, text: string) => boolean)[],
): T[] {
  for (const test of tests) {
    const found = all.filter((item) => test(item, wanted))
    if (found.length > 0) return found
  }
  return []
}

function ambiguous(
  code: string,
  message: string,
  candidates: {id: string; name: string; detail: string | undefined}[],
): UserError {
  return new UserError({
    kind: 'ambiguous',
    code,
    message,
    why: candidates
      .map(({id, name, detail}) => `${id}  ${name}${detail === undefined ? '' : `  (${detail})`}`)
      .join('\n'),
    next: ['Give the id instead of the name'],
    details: {candidates: candidates.map(({id, name}) => ({id, name}))},
  })
}

/** A secret that was pasted in a name's place is not repeated. Ids and Client IDs are shorter than 41 characters. */
function shown(text: string): string {
  return /^\S{45,}$/.test(text) ? '[hidden]' : text.slice(0, 100)
}
