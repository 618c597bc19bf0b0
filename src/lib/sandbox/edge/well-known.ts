import type {IncomingMessage} from 'node:http'
import type {Application} from '../../api/types.js'
import {hostMatches} from '../../core/hostname.js'
import type {JsonObject} from '../../core/json.js'
import {hostOf} from '../../core/public-address.js'
import {findApplication} from '../../policy/application-match.js'
import {normalisePath} from '../../core/normalise-url.js'
import type {CertificateAuthority} from '../certificates.js'
import type {EdgeState, EdgeView} from '../types.js'
import {audOf} from './session.js'
import {targetOf, type Target} from './target.js'

const CERTS = '/cdn-cgi/access/certs'
const RESOURCE = '/.well-known/cloudflare-access-protected-resource'

/** Where a client learns how to log in. */
export function resourceMetadata({host, path}: Target): string {
  return `https://${host}${RESOURCE}${normalisePath(path)}`
}

/**
 * What Access answers by itself on an application's host, whatever the rules say: the public keys (on the team's host
 * too; Cloudflare's documentation, "Validate JWTs"), the metadata of the challenge (seen on an edge in October 2026), and
 * to a HEAD request with `cf-access-metadata-request` a signed header, from which cloudflared learns the application of a
 * host since 2026.8 (its source, token/jwks.go).
 *
 * @returns undefined for any other request
 */
export async function ownAnswer(
  {state, authority}: {state: EdgeState; authority: CertificateAuthority},
  request: IncomingMessage,
): Promise<{headers: Record<string, string>; text: string} | undefined> {
  const target = targetOf(request)
  const path = normalisePath(target.path)
  const certs = path === CERTS
  const resource = path === RESOURCE || path.startsWith(`${RESOURCE}/`)
  const metadata = request.method === 'HEAD' && request.headers['cf-access-metadata-request'] === 'true'
  if (!certs && !resource && !metadata) return undefined
  const view = state.edgeView()
  const application = findApplication(target, view.applications)?.application
  if (certs && (application || target.host === view.authDomain)) return json(await authority.publicKeys())
  if (!application) return undefined
  if (resource) {
    return json({
      resource: `https://${target.host}`,
      protected: true,
      team_domain: view.authDomain,
      authorization_servers: [`https://${view.authDomain}`],
    })
  }
  const key = await authority.signingKey()
  return {headers: {'cf-access-metadata': key.sign(metadataOf(view, application, target))}, text: ''}
}

function json(value: JsonObject): {headers: Record<string, string>; text: string} {
  return {headers: {'content-type': 'application/json'}, text: JSON.stringify(value)}
}

function metadataOf(view: EdgeView, application: Application, {host}: Target): JsonObject {
  return {
    type: 'match',
    hostname: host,
    auth_domain: view.authDomain,
    aud: audOf(application),
    app_hostname: application.domains.map(hostOf).find((domain) => hostMatches(domain, host)) ?? host,
    iat: Math.floor(view.now / 1000),
  }
}
