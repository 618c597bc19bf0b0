import {Readable} from 'node:stream'
import {buffer} from 'node:stream/consumers'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {StatusLine} from '../../../src/lib/tunnel/curl/status-line.js'

/** As curl writes it, in pieces. */
async function through(line: StatusLine, pieces: Buffer[]): Promise<string> {
  return (await buffer(Readable.from(pieces).pipe(line))).toString('latin1')
}

function written(line: StatusLine, values: Record<string, string>): string {
  return line.writeOut
    .replace('%{stderr}', '')
    .replace(
      /%\{(\w+)\}|%header\{([\w-]+)\}/g,
      (_, a: string | undefined, b: string | undefined) => values[a ?? b ?? ''] ?? '',
    )
}

/** What Managed OAuth adds to a challenge. */
const OAUTH = 'resource_metadata="https://x.example/.well-known/cloudflare-access-protected-resource/"'

describe('what curl says of the answer on stderr', () => {
  it('is taken out whole, however it is cut, and the rest stays as it was', async () => {
    await fc.assert(
      fc.asyncProperty(
        ...([fc.string(), fc.string(), fc.array(fc.nat({max: 400}), {maxLength: 5})] as const),
        async (before, after, cuts) => {
          const line = new StatusLine()
          const all = Buffer.from(before + '\x1E' + written(line, {http_code: '200'}) + after)
          const at = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b), all.length]
          const pieces = at
            .slice(1)
            .map((end, i) => all.subarray(at[i] ?? 0, end))
            .filter(({length}) => length > 0)
          expect(await through(line, pieces)).toBe(Buffer.from(before + '\x1E' + after).toString('latin1'))
          expect(line.answer).toMatchObject({by: 'service', status: 200})
        },
      ),
    )
  })

  it.each([
    [
      {http_code: '302', redirect_url: 'https://t.example/cdn-cgi/access/login/h?token=x', 'cf-ray': 'abc'},
      'access',
    ],
    [{http_code: '302', redirect_url: 'https://elsewhere.example/'}, 'service'],
    [{http_code: '401'}, 'unknown'],
    [{http_code: '403'}, 'unknown'],
    [{http_code: '401', 'www-authenticate': 'Basic realm="x"'}, 'service'],
    [{http_code: '401', 'www-authenticate': 'Cloudflare-Access x'}, 'access'],
    [{http_code: '401', 'www-authenticate': `Bearer realm="OAuth", ${OAUTH}`}, 'access'],
    [{http_code: '403', 'cf-access-domain': 'h'}, 'access'],
    [{http_code: '403', 'cf-access-aud': 'f00d'}, 'access'],
    [{http_code: '403', 'cf-mitigated': 'challenge'}, 'zone'],
    [{http_code: '503', 'cf-mitigated': 'challenge'}, 'zone'],
    [{http_code: '200'}, 'service'],
    [{http_code: '404'}, 'service'],
  ])('%j is an answer of %s', async (values, by) => {
    const line = new StatusLine()
    await through(line, [Buffer.from(written(line, values))])
    expect(line.answer?.by).toBe(by)
    expect(JSON.stringify(line.answer)).not.toContain('token=x')
  })

  it('has what the redirect to the login page says of the credentials', async () => {
    const payload = Buffer.from('{"service_token_status":true}').toString('base64url')
    const redirect_url = `https://t.example/cdn-cgi/access/login/h?kid=x&meta=e30.${payload}.x&redirect_url=%2F`
    const line = new StatusLine()
    await through(line, [Buffer.from(written(line, {http_code: '302', redirect_url}))])
    expect(line.answer).toMatchObject({by: 'access', credentials: 'accepted'})
  })

  it('is nothing where there was no answer', async () => {
    const line = new StatusLine()
    await through(line, [Buffer.from(`curl: (7)\n${written(line, {http_code: '000'})}`)])
    expect(line.answer).toBeUndefined()
  })
})
