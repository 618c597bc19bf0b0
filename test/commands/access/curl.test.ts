import fs from 'node:fs/promises'
import {beforeEach, expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'
import {againstSchema} from '../../support/json-schemas.js'

const scene = commandTests('access curl')
const HOST = 'gitlab.widgetcorp.tech'
const url = `https://${HOST}/api`

/** In place of curl: records its arguments. */
const CURL = `
const fs = require('fs')
fs.readFileSync(0)
fs.writeFileSync(__dirname + '/call.json', JSON.stringify(process.argv.slice(2)))
process.exitCode = 22
`

const call = async (): Promise<string[]> =>
  JSON.parse(await fs.readFile(scene.zt.file('bin/call.json'), 'utf8')) as string[]

beforeEach(async () => {
  const {zt} = scene
  await zt.program('curl', CURL)
  await zt.json('token create deploy')
  await zt.json('app add-rule GitLab --service-auth --token deploy')
})

it('runs curl with what follows the URL, and ends as curl ends', async () => {
  const {zt} = scene
  const {exitCode, stdout} = await zt.run(['access', 'curl', '-ar', url, '-X', 'POST', '--json', '{}'])
  expect({exitCode, stdout}).toEqual({exitCode: 22, stdout: ''})
  expect(await call()).toEqual(expect.arrayContaining(['--request', 'POST', '--json', '{}', '--url', url]))
})

it("takes zt's own options before the URL, and global ones before the command", async () => {
  const {zt} = scene
  const own = [
    '--token',
    'deploy',
    '--yes',
    '--connect-to',
    '127.0.0.1:1',
    '--ca-file',
    '/ca.pem',
    '--allow-request',
  ]
  const {stderr} = await zt.run(['--json', 'access', 'curl', ...own, 'https://build.widgetcorp.tech/', '-s'])
  expect(againstSchema('access curl', JSON.parse(stderr) as never)).toMatchObject({
    host: 'build.widgetcorp.tech',
    exitCode: 22,
  })
  expect(await call()).toEqual(
    expect.arrayContaining(['build.widgetcorp.tech:443:127.0.0.1:1', '/ca.pem', '-s']),
  )
})

it('fails as zt curl does', async () => {
  const {zt} = scene
  const code = async (...words: string[]): Promise<unknown> => {
    const {stderr} = await zt.run(['--json', 'access', 'curl', ...words])
    return (JSON.parse(stderr) as {error: {code: string}}).error.code
  }
  expect(await code()).toBe('BAD_COMMAND_LINE')
  expect(await code('-s', url)).toBe('BAD_COMMAND_LINE')
  expect(await code('http://gitlab.widgetcorp.tech/')).toBe('BAD_URL')
  expect(await code(url, '-L')).toBe('CURL_OPTION_REFUSED')
  expect(await code(url, '-H', 'CF-Access-Client-Id: x')).toBe('CURL_HEADER_REFUSED')
  expect(await code('https://elsewhere.example/')).toBe('HOST_NOT_BOUND')
  await expect(call()).rejects.toThrow('ENOENT')
})
