import {UserError} from '../core/errors.js'
import type {IndexEntry} from './index-files.js'

/**
 * The stored service token that a person means: by ID, client ID or name; without regard to case only if no name
 * matches exactly.
 *
 * @throws UserError `not-found` / `STORED_TOKEN_NOT_FOUND`; `ambiguous` / `TOKEN_AMBIGUOUS`
 */
export function storedToken(wanted: string, entries: readonly IndexEntry[], profile: string): IndexEntry {
  const exact = entries.filter(({tokenId, clientId, name}) => [tokenId, clientId, name].includes(wanted))
  const folded = wanted.toLowerCase()
  const found = exact.length > 0 ? exact : entries.filter(({name}) => name.toLowerCase() === folded)
  const [entry] = found
  if (entry && found.length === 1) return entry
  if (entry) {
    throw new UserError({
      kind: 'ambiguous',
      code: 'TOKEN_AMBIGUOUS',
      message: `Several stored service tokens are called "${wanted}"`,
      why: found.map(({tokenId, name}) => `${tokenId}  ${name}`),
      next: ['Give the ID instead of the name'],
      details: {candidates: found.map(({tokenId, name}) => ({id: tokenId, name}))},
    })
  }
  // A secret that was pasted by mistake is not repeated.
  const shown = /^\S{45,}$/.test(wanted) ? '[hidden]' : wanted
  const names = entries.map(({name}) => name).join(', ')
  throw new UserError({
    kind: 'not-found',
    code: 'STORED_TOKEN_NOT_FOUND',
    message: `No service token "${shown}" has its secret on this machine`,
    why:
      names === ''
        ? `Profile ${profile} has no secrets on this machine.`
        : `Profile ${profile} has the secrets of: ${names}.`,
    next: ['zt token list', 'To store the secret of a service token that exists: zt token import'],
  })
}
