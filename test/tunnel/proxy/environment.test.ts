import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {PassThrough} from 'node:stream'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {runProxy} from '../../../src/lib/tunnel/proxy/proxy.js'

const HOST = 'build.example.com'
const NOTE = `note:  Sending the service token of the environment (CF_ACCESS_CLIENT_ID) to ${HOST}\n`
let home: string
beforeAll(async () => {
  home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-proxy-'))
})
afterAll(() => fs.rm(home, {recursive: true, force: true}))

/** What the proxy says with the pair in the environment, and how it ends. No edge listens. */
async function proxy(
  words: string[],
  variables: Record<string, string>,
): Promise<{code: number; said: string}> {
  let said = ''
  const code = await runProxy([...words, HOST], {
    env: {
      ...Object.fromEntries(['CONFIG', 'DATA', 'STATE', 'CACHE'].map((kind) => [`XDG_${kind}_HOME`, home])),
      ...{
        CF_ACCESS_CLIENT_ID: 'x.access',
        CF_ACCESS_CLIENT_SECRET: 'the-secret',
        ZT_CONNECT_TO: '127.0.0.1:1',
      },
      ...variables,
    },
    cwd: home,
    stdin: new PassThrough(),
    stdout: () => new PassThrough(),
    stderr: {write: (text) => (said += text)},
  })
  return {code, said}
}

it.each<[words: string[], hosts: string, begins: string]>([
  // ssh may have the host from the repository; so the pair goes there only if ZT_HOSTS or the flags name it.
  [[], '', `error: zt did not send the service token of the environment (CF_ACCESS_CLIENT_ID) to ${HOST}\n`],
  [['--yes'], '', 'error: zt did not send'],
  [['--yes'], 'other.example.com', 'error: zt did not send'],
  [['--token', 'env'], '', 'error: zt did not send'],
  [[], `other.example.com,${HOST}`, `${NOTE}error: `],
  [['--token', 'env'], '*.example.com', 'error: Cannot reach the edge'],
  [['--token', 'env', '--yes'], '', 'error: Cannot reach the edge'],
  [['--token', 'env', '--yes'], 'other.example.com', 'error: Cannot reach the edge'],
])('zt ssh proxy %j with ZT_HOSTS=%j begins with %j', async (words, ZT_HOSTS, begins) => {
  const {code, said} = await proxy(words, {ZT_HOSTS})
  expect(said.startsWith(begins), said).toBe(true)
  expect(said).not.toContain('the-secret')
  expect(code).toBe(begins.includes('did not send') ? 9 : 8)
})
