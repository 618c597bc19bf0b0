import {describe, expect, it} from 'vitest'
import {aboutCurl, NEW_CURL, readCurlVersion} from '../../../src/lib/tunnel/curl/about.js'
import {StatusLine} from '../../../src/lib/tunnel/curl/status-line.js'

describe('a curl', () => {
  it.each<[text: string, writesToStderr: boolean, forPrivateCa: string[]]>([
    ['curl 8.9.1 (Windows) libcurl/8.9.1 Schannel zlib/1.3 WinIDN', true, ['--ssl-revoke-best-effort']],
    ['curl 7.83.1 (Windows) libcurl/7.83.1 Schannel', true, ['--ssl-revoke-best-effort']],
    ['curl 7.70.0 (x86_64-pc-win32) libcurl/7.70.0 Schannel', true, ['--ssl-revoke-best-effort']],
    ['curl 7.69.1 (x86_64-pc-win32) libcurl/7.69.1 Schannel', true, ['--ssl-no-revoke']],
    ['curl 7.55.1 (Windows) libcurl/7.55.1 WinSSL', false, ['--ssl-no-revoke']],
    ['curl 8.12.1 (x86_64-w64-mingw32) libcurl/8.12.1 OpenSSL/3.2.4', true, []],
    // Git's can do both; it uses the first one, which is not in parentheses.
    ['curl 8.4.0 (x86_64-w64-mingw32) libcurl/8.4.0 OpenSSL/3.1.4 (Schannel)', true, []],
    ['curl 7.61.1 (x86_64-redhat-linux-gnu) libcurl/7.61.1 OpenSSL/1.1.1k', false, []],
    ['something else', true, []],
  ])('%s: %s, %j', (text, writesToStderr, forPrivateCa) => {
    expect(readCurlVersion(`${text}\nProtocols: https\nFeatures: Schannel\n`)).toEqual({
      writesToStderr,
      forPrivateCa,
    })
  })

  it.each(['linux', 'darwin'] as const)('is not asked on %s', async (platform) => {
    expect(await aboutCurl('/does/not/exist', {}, platform)).toBe(NEW_CURL)
  })

  it('that cannot write to stderr gives its answer on stdout, and zt takes it out there', async () => {
    const line = new StatusLine('stdout')
    expect(line.writeOut).not.toContain('%{std')
    const said = line.writeOut.replace('%{http_code}', '200').replaceAll(/%\{[^}]*\}+/g, '')
    const passed = await new Response(
      ReadableStream.from(line.end(Buffer.from(`the body${said}`)) as AsyncIterable<Uint8Array>),
    ).text()
    expect([passed, line.answer?.status]).toEqual(['the body', 200])
  })
})
