import type {IncomingMessage} from 'node:http'
import type {Application} from '../../api/types.js'
import {hostMatches} from '../../core/hostname.js'
import type {JsonObject} from '../../core/json.js'
import {hostOf} from '../../policy/application-match.js'
import {normalisePath} from '../../policy/normalise-url.js'
import type {CertificateAuthority} from '../certificates.js'
import type {EdgeView} from '../types.js'
import {audOf} from './session.js'
import type {Target} from './target.js'

/** What a request is for, and what Access knows. */
interface Asked {
  view: EdgeView
  target: Target
  application: Application | undefined
  authority: CertificateAuthority
}

const CERTS = '/cdn-cgi/access/certs'
const RESOURCE = '/.well-known/cloudflare-access-protected-resource'

/** Where a client learns how to log in. */
export function resourceMetadata({host, path}: Target): string {
  return `https://${host}${RESOURCE}${normalisePath(path)}`
}

/**
 * What Access answers by itself on an application's host and on the team's, whatever the rules say: the public keys
 * (Cloudflare's documentation, "Validate JWTs") and the metadata of the challenge (seen on an edge in October 2026).
 *
 * @returns undefined for any other path
 */
export async function wellKnown({
  view,
  application,
  authority,
  target: {host, path},
}: Asked): Promise<JsonObject | undefined> {
  if (!application && host !== view.authDomain) return undefined
  const normal = normalisePath(path)
  if (normal === CERTS) return authority.publicKeys()
  if (application && (normal === RESOURCE || normal.startsWith(`${RESOURCE}/`))) {
    return {
      resource: `https://${host}`,
      protected: true,
      team_domain: view.authDomain,
      authorization_servers: [`https://${view.authDomain}`],
    }
  }
  return undefined
}

/**
 * The signed answer to a HEAD request with `cf-access-metadata-request`, from which cloudflared learns the application
 * of a host since 2026.8 (its source, token/jwks.go).
 *
 * @returns undefined for any other request
 */
export async function accessMetadata(
  {view, application, authority, target: {host}}: Asked & {application: Application},
  {method, headers}: IncomingMessage,
): Promise<string | undefined> {
  if (method !== 'HEAD' || headers['cf-access-metadata-request'] !== 'true') return undefined
  const key = await authority.signingKey()
  return key.sign({
    type: 'match',
    hostname: host,
    auth_domain: view.authDomain,
    aud: audOf(application),
    app_hostname: application.domains.map(hostOf).find((domain) => hostMatches(domain, host)) ?? host,
    iat: Math.floor(view.now / 1000),
  })
}
