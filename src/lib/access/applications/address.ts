import {openInBrowser} from '../../system/browser.js'
import {environmentFor} from '../../system/child-environment.js'
import {UserError} from '../../core/errors.js'
import type {Application} from '../../api/types.js'

/**
 * Where a browser finds an application: its first domain that is one host.
 *
 * @throws UserError `usage` / `NO_ADDRESS`
 */
export function addressOf({name, domains}: Pick<Application, 'name' | 'domains'>): URL {
  for (const domain of domains) {
    if (domain.includes('*') || !URL.canParse(`https://${domain}`)) continue
    const url = new URL(`https://${domain}`)
    // Nothing but the host and the path of the application.
    if (url.username === '' && url.password === '' && url.search === '' && url.hash === '') return url
  }
  throw new UserError({
    kind: 'usage',
    code: 'NO_ADDRESS',
    message: `"${name}" has no address that a browser can open`,
    why:
      domains.length === 0
        ? 'It has no public domain.'
        : `Its domains are patterns or no addresses: ${domains.slice(0, 5).join(', ')}.`,
    next: ['Open a host that the application covers'],
  })
}

/**
 * Opens an address in the person's browser, which gets none of the secrets in the environment.
 *
 * @returns false if this machine has no program for it
 */
export function openAddress(url: URL, env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  return openInBrowser(url, environmentFor('browser', env))
}
