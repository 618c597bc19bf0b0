import fs from 'node:fs/promises'
import {beforeEach, expect, it} from 'vitest'
import {commandTests} from '../support/command-harness.js'

const scene = commandTests('curl')
const HOST = 'gitlab.widgetcorp.tech'
const url = `https://${HOST}/api`
let secret: string

/** In place of curl: prints the answer that the test chose, and records its arguments. */
const CURL = `
const fs = require('fs')
const config = fs.readFileSync(0, 'utf8')
const {status, location = '', exit = 0} = JSON.parse(fs.readFileSync(__dirname + '/answer.json', 'utf8'))
fs.writeFileSync(__dirname + '/call.json', JSON.stringify({args: process.argv.slice(2), env: process.env, config}))
const written = {
  '--dump-header': 'HTTP/1.1 200 OK\\r\\nset-cookie: CF_Authorization=SESSION; Path=/\\r\\nSet-Cookie: own=1\\r\\n\\r\\n',
  '--cookie-jar': '# Netscape\\n#HttpOnly_h\\tFALSE\\t/\\tTRUE\\t0\\tCF_Authorization\\tSESSION\\nh\\tFALSE\\t/\\tTRUE\\t0\\town\\t1\\n',
}
for (const [option, text] of Object.entries(written)) {
  const at = process.argv.indexOf(option)
  if (at > 0) fs.writeFileSync(process.argv[at + 1], text)
}
const [, mark] = /%\\{stderr\\}(.*?)%\\{http_code\\}/.exec(config)
process.stderr.write(mark + [status, location, '', '', '', '', ''].join('\\t') + mark)
process.exitCode = exit
`

interface Call {
  args: string[]
  env: Record<string, string>
  config: string
}

const answer = (fact: {status: number; location?: string; exit?: number}): Promise<void> =>
  fs.writeFile(scene.zt.file('bin/answer.json'), JSON.stringify(fact))
const call = async (): Promise<Call> =>
  JSON.parse(await fs.readFile(scene.zt.file('bin/call.json'), 'utf8')) as Call

beforeEach(async () => {
  const {zt} = scene
  await zt.program('curl', CURL)
  await answer({status: 200})
  secret = String((await zt.json('token create deploy --reveal'))['clientSecret'])
  await zt.json('app add-rule GitLab --service-auth --token deploy')
})

it('gives curl the two headers, in no argument and no variable', async () => {
  const {zt} = scene
  const result = await zt.json(['curl', url, '--', '-sS', '--json', '{}'])
  expect(result).toMatchObject({
    ...{host: HOST, token: {name: 'deploy'}, status: 200, exitCode: 0, signal: null, previousUntil: null},
  })
  const {args, env, config} = await call()
  expect(config).toContain(secret)
  expect(JSON.stringify([args, env, result])).not.toContain(secret)
  expect(args).toEqual(expect.arrayContaining(['-q', '-S', '--json', '--url', url]))
})

it('sends the token of the path, as Access has an application of its own there', async () => {
  const {zt} = scene
  const {clientSecret} = await zt.json('token create hooks --reveal')
  await zt.json(`app create Hooks --domain ${HOST}/hooks --service-auth --token hooks`)
  expect(await zt.json(`curl https://${HOST}/hooks/1`)).toMatchObject({token: {name: 'hooks'}})
  expect((await call()).config).toContain(String(clientSecret))
  expect(await zt.json(`curl https://${HOST}/other`)).toMatchObject({token: {name: 'deploy'}})
  expect((await call()).config).not.toContain(String(clientSecret))
  expect(await zt.json('token show hooks')).toMatchObject({token: {hosts: [`${HOST}/hooks`]}})
  expect((await zt.run('token list')).stdout).toContain(`${HOST}/hooks`)
})

it("writes the headers and the cookie jar without Access's session", async () => {
  const {zt} = scene
  const [jar, heads] = [zt.file('jar'), zt.file('heads')]
  await zt.json(['curl', url, '--', '-c', jar, '-D', heads])
  expect(await fs.readFile(jar, 'utf8')).toBe('# Netscape\nh\tFALSE\t/\tTRUE\t0\town\t1\n')
  expect(await fs.readFile(heads, 'utf8')).toBe('HTTP/1.1 200 OK\r\nSet-Cookie: own=1\r\n\r\n')
  const {args} = await call()
  for (const option of ['--cookie-jar', '--dump-header'])
    await expect(fs.stat(args[args.indexOf(option) + 1] ?? '')).rejects.toThrow('ENOENT')
  await zt.fails(['curl', url, '--', '-c', zt.file('bin')], 'not-written', 'FILE_NOT_WRITABLE')
  await zt.fails(['curl', url, '--', '-D', zt.file('no/such')], 'not-written', 'FILE_NOT_WRITABLE')
})

it('ends as curl ends', async () => {
  const {zt} = scene
  await answer({status: 0, exit: 22})
  expect(await zt.json(`curl ${url}`, {ends: 22})).toMatchObject({status: null, exitCode: 22})
})

it('says where a redirect points, which is not followed', async () => {
  const {zt} = scene
  await answer({status: 302, location: `https://${HOST}/elsewhere`})
  expect((await zt.run(`curl ${url}`)).stderr).toContain(`https://${HOST}/elsewhere`)
})

it('explains why Access refused the token', async () => {
  const {zt} = scene
  await answer({status: 302, location: 'https://widgetcorp.cloudflareaccess.com/cdn-cgi/access/login/x'})
  await zt.json('token disable deploy')
  const {details, why} = await zt.fails(`curl ${url}`, 'refused', 'ACCESS_REFUSED')
  expect(details).toMatchObject({host: HOST, status: 302, reason: 'login'})
  expect(why).toContain('disabled')
})

it('sends a secret to a host that is not bound only where that was confirmed', async () => {
  const {zt} = scene
  const other = 'https://build.widgetcorp.tech/ --token deploy'
  await zt.failsWithoutAsking(`curl ${other}`, 'needs-action', 'TOKEN_NOT_BOUND')
  await zt.fails(`curl ${other}`, 'cancelled', 'CANCELLED', {answers: [false]})
  await expect(call()).rejects.toThrow('ENOENT')
  expect((await zt.run(`curl ${other}`, {answers: [true]})).asked).toHaveLength(1)
  expect(await zt.json(`curl ${other} --yes`)).toMatchObject({host: 'build.widgetcorp.tech'})
})

it('reaches the edge where it is said to be', async () => {
  const {zt} = scene
  await zt.json(`curl ${url} --connect-to 127.0.0.1:8443 --ca-file /ca.pem`)
  const {args} = await call()
  expect(args).toEqual(
    expect.arrayContaining(['--connect-to', `${HOST}:443:127.0.0.1:8443`, '--cacert', '/ca.pem']),
  )
})

it('fails for what could give the secret away', async () => {
  const {zt} = scene
  await zt.fails(`curl ${url} -- -L`, 'usage', 'CURL_OPTION_REFUSED')
  await zt.fails(`curl http://${HOST}/`, 'usage', 'BAD_URL')
  await zt.fails(`curl ${url} -- https://other.example/`, 'usage', 'CURL_SECOND_URL')
  await zt.fails('curl https://wiki.widgetcorp.tech/', 'not-found', 'HOST_NOT_BOUND')
  await fs.rm(zt.file('bin/curl'))
  await zt.fails(`curl ${url}`, 'needs-action', 'CURL_NOT_FOUND')
})

it('says that no application covers the host where nothing answers there', async () => {
  const {zt} = scene
  await answer({status: 530})
  zt.state.data.apps.length = 0
  const end = await zt.run(`curl ${url}`)
  expect(end.exitCode).toBe(0)
  expect(end.stderr).toContain(`No application of the account covers ${HOST}/api.`)
})

it('says what a cookie of Access counts for that was sent too', async () => {
  const {zt} = scene
  zt.app('GitLab')['policies'] = [{id: 'policy-cd', precedence: 1}]
  await answer({status: 302, location: 'https://widgetcorp.cloudflareaccess.com/cdn-cgi/access/login/x'})
  const {why} = await zt.fails(`curl ${url} -- -b CF_Authorization=x`, 'refused', 'ACCESS_REFUSED')
  expect(why).toContain('"GitLab" has no Allow rule, so the CF_Authorization cookie')
})

it('says where the sandbox does not run what to start, and ends like curl', async () => {
  const {zt} = scene
  await answer({status: 0, exit: 7})
  const own = await zt.run(['curl', url])
  expect([own.exitCode, own.stderr.includes('sandbox start')]).toEqual([7, false])
  await zt.writeConfig({currentProfile: 'default', profiles: {default: {...zt.profile, sandbox: true}}})
  const end = await zt.run(['curl', url])
  expect(end.exitCode).toBe(7)
  expect(end.stderr).toContain('The profile is the sandbox')
  expect(end.stderr).toContain('next:  zt sandbox start')
})
