import path from 'node:path'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {BuiltZt} from '../support/built-zt.js'

let zt: BuiltZt

beforeAll(async () => {
  zt = await BuiltZt.make({
    NODE_OPTIONS: `--require ${JSON.stringify(path.resolve(import.meta.dirname, '../support/silent-network.cjs'))}`,
    CLOUDFLARE_API_TOKEN: 'an-api-token-of-the-test',
    CLOUDFLARE_ACCOUNT_ID: '9a7806061c88ada191ed06f989cc3dac',
    CF_ACCESS_CLIENT_ID: 'ci.access',
    CF_ACCESS_CLIENT_SECRET: 'a'.repeat(64),
  })
})
afterAll(() => zt.end())

it.each([
  [['token', 'list']],
  [['token', 'disable', 'ci', '--json']],
  [['whoami']],
  [['ssh', 'proxy', 'ssh.example.com', '--token', 'env', '--yes']],
])('zt %j fails and says so when what it waits for can no longer come', async (args) => {
  const end = await zt.run(args)
  expect(end.code).not.toBe(0)
  expect(end.stderr).toMatch(/zt stopped before it was finished/)
})
