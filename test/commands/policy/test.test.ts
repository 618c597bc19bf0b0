import {spawnSync} from 'node:child_process'
import fs from 'node:fs/promises'
import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('policy test')

const expectations = (lines: string[]): Promise<void> =>
  fs.writeFile(scene.zt.file('e.yaml'), lines.map((line) => `- {${line}}\n`).join('') || '[]')
const url = (host: string): string => `url: 'https://${host}.widgetcorp.tech/'`

it('evaluates machines, people and clients without credentials', async () => {
  const {zt} = scene
  zt.policy('CD')['require'] = [{geo: {country_code: 'DE'}}]
  await expectations([
    `who: {token: ci}, ${url('build')}, expect: allow`,
    `who: {token: cd}, from: {country: DE}, ${url('build')}, expect: allow`,
    `who: {token: cd}, from: {country: US}, ${url('build')}, expect: deny`,
    `who: {token: cd}, ${url('build')}, expect: unknown`,
    `who: {token: off}, from: {ip: 192.0.2.1, country: DE}, ${url('gitlab')}, expect: login`,
    `who: {token: ci}, ${url('gitlab')}, expect: login`,
    `who: no-credentials, ${url('gitlab')}, expect: login`,
    `who: {email: ada@widgetcorp.tech}, ${url('gitlab')}, expect: allow`,
    `who: {email: eve@example.com, groups: [staff]}, ${url('gitlab')}, expect: deny`,
    `who: no-credentials, ${url('nothing')}, expect: unknown`,
  ])
  // The same as `zt app explain` says where no Allow policy is.
  expect(await zt.json('policy test e.yaml')).toMatchObject({met: 10, failed: 0})
})

it('says in words what a verdict depends on', async () => {
  const {zt} = scene
  zt.policy('CD')['require'] = [{geo: {country_code: 'DE'}}]
  await expectations([`who: {token: cd}, ${url('build')}, expect: allow`])
  expect((await zt.run('policy test e.yaml')).stdout).toContain("It depends on: the client's country.")
})

it('takes no URL with a password, and does not repeat it', async () => {
  await expectations(['who: {token: ci}, url: "https://a:geheim@build.widgetcorp.tech/", expect: allow'])
  const {stderr, exitCode} = await scene.zt.run('policy test e.yaml')
  expect(exitCode).toBe(2)
  expect(stderr).toContain('without user and password')
  expect(stderr).not.toContain('geheim')
})

it('says of each that is not met what was expected, what the rules say, and why', async () => {
  const {zt} = scene
  await expectations([
    `name: ci may build, who: {token: ci}, ${url('build')}, expect: deny`,
    `who: {token: ci}, ${url('gitlab')}, expect: allow`,
    `who: {token: ci}, ${url('build')}, expect: allow`,
  ])
  const {stdout, exitCode} = await zt.run('policy test e.yaml')
  expect(exitCode).toBe(14)
  expect(stdout).toContain(
    '✗ e.yaml:1: ci may build\n    expected deny, got allow by "Build"\n    "Robots": ',
  )
  expect(stdout).toContain('✗ e.yaml:2: ci: https://gitlab.widgetcorp.tech/\n    expected allow, got login by "GitLab"\n    "Staff": ') // prettier-ignore
  expect(stdout).toMatch(/^1 of 3 expectations are met$/m)
  expect(await zt.run('policy test e.yaml --quiet')).toMatchObject({
    exitCode: 14,
    stdout: 'ci may build\nci: https://gitlab.widgetcorp.tech/\n',
  })
  await expectations([`who: {token: ci}, ${url('build')}, expect: allow`])
  expect(await zt.run('policy test e.yaml')).toMatchObject({
    exitCode: 0,
    stdout: '✓ 1 of 1 expectations are met\n',
  })
  expect(await zt.run('policy test e.yaml --quiet')).toMatchObject({exitCode: 0, stdout: ''})
})

it('evaluates an edit before it is made', async () => {
  const {zt} = scene
  await expectations([`who: {token: cd}, ${url('wiki')}, expect: allow`])
  const line = 'app add-rule Wiki --service-auth --token cd'
  const planned = await zt.json(`${line} --dry-run`)
  expect(planned['opens']).toMatchObject([{name: 'Wiki', who: 'named', tokens: [{name: 'cd'}], reach: 'yes'}])
  await fs.writeFile(zt.file('edit.json'), JSON.stringify(planned))
  await zt.unchanged(async () => {
    expect(await zt.json('policy test e.yaml', {ends: 14})).toMatchObject({failed: 1})
    expect(await zt.json('policy test e.yaml --plan edit.json')).toMatchObject({failed: 0})
  })
  await zt.json(line)
  expect(await zt.json('policy test e.yaml')).toMatchObject({failed: 0})
})

it.each([
  ['was made already', 'group add-token robots cd', 'group add-token robots cd'],
  ['changes a group that has changed', 'group add-token robots cd', 'group add-token robots off'],
  ['takes out a rule of an application that has another since', 'app remove-rule Build CD', 'app add-rule Build --service-auth --token off'],
  ['deletes a policy that has changed', 'policy delete Spare', "policy attach Spare Wiki"],
] as const)('refuses a plan that %s', async (_, planned, meanwhile) => {
  const {zt} = scene
  await expectations([`who: {token: ci}, ${url('build')}, expect: allow`])
  await fs.writeFile(zt.file('edit.json'), JSON.stringify(await zt.json(`${planned} --dry-run`)))
  await zt.json('policy test e.yaml --plan edit.json')
  if (meanwhile.startsWith('policy attach')) zt.policy('Spare')['decision'] = 'deny'
  else await zt.json(`${meanwhile} --yes`)
  expect(await zt.fails('policy test e.yaml --plan edit.json', 'conflict', 'PLAN_OUT_OF_DATE')).toMatchObject({
    message: expect.stringContaining('as it is now') as string,
  })
}) // prettier-ignore

it('takes a plan whose later changes build on its earlier ones', async () => {
  const {zt} = scene
  await expectations([`who: {token: cd}, ${url('wiki')}, expect: allow`])
  const planned = await zt.json('app add-rule Wiki --service-auth --token cd --dry-run')
  await fs.writeFile(zt.file('edit.json'), JSON.stringify(planned))
  expect(planned['changes']).toHaveLength(2)
  expect(await zt.json('policy test e.yaml --plan edit.json')).toMatchObject({failed: 0})
})

it('reads the expectations from stdin', async () => {
  const stdin = `- {who: {token: ci}, ${url('build')}, expect: deny}\n`
  const {stdout} = await scene.zt.run('policy test -', {input: stdin})
  expect(stdout).toContain('stdin:1')
})

it.each([
  ['BAD_PLAN', 'usage', '{'],
  ['BAD_PLAN', 'usage', '{"changes": [{"action": "explode"}]}'],
  ['PLAN_OUT_OF_DATE', 'conflict', JSON.stringify({changes: [{action: 'delete', kind: 'group', id: 'gone', name: 'gone', application: null, fields: []}]})],
] as const)('refuses a plan that it cannot use: %s', async (code, kind, text) => {
  const {zt} = scene
  await expectations([])
  await fs.writeFile(zt.file('edit.json'), text)
  await zt.fails('policy test e.yaml --plan edit.json', kind, code)
}) // prettier-ignore

it('writes JUnit XML that a parser reads, whatever the names are', async () => {
  const {zt} = scene
  const name = '"<&>\' ]]> \\e[31m \\0 \\uFFFE é"'
  await fs.writeFile(
    zt.file('e.yaml'),
    `- {name: ${name.replace("'", '\\x27')}, who: {token: ci}, ${url('gitlab')}, expect: allow}\n- {who: {token: ci}, ${url('build')}, expect: allow}\n`,
  )
  await zt.json('policy test e.yaml --junit report.xml', {ends: 14})
  const xml = await fs.readFile(zt.file('report.xml'), 'utf8')
  await zt.fails('policy test e.yaml --junit none/report.xml', 'not-written', 'FILE_NOT_WRITABLE')
  await fs.symlink('elsewhere', zt.file('link'))
  await zt.fails('policy test e.yaml --junit link', 'not-written', 'FILE_NOT_WRITABLE')
  expect((await fs.lstat(zt.file('link'))).isSymbolicLink()).toBe(true)
  expect(xml).toContain('<testsuite name="zt policy test" tests="2" failures="1" errors="0">')
  expect(xml).toContain('name="&lt;&amp;&gt;\' ]]&gt; \uFFFD[31m \uFFFD \uFFFD é" file="e.yaml" line="1">')
  expect(xml).toContain('<failure type="login" message="expected allow, got login by &quot;GitLab&quot;">')
  const python = spawnSync('python3', ['-c', 'import sys, xml.dom.minidom as m; print(len(m.parse(sys.argv[1]).getElementsByTagName("testcase")))', zt.file('report.xml')], {encoding: 'utf8'}) // prettier-ignore
  if (python.error === undefined) expect(python.stdout).toBe('2\n')
})

it('names the line of a service token that does not exist, and of a fault in the file', async () => {
  const {zt} = scene
  await expectations([`who: {token: ci}, ${url('build')}, expect: allow`, `who: {token: x}, ${url('build')}, expect: allow`])
  expect(await zt.fails('policy test e.yaml', 'not-found', 'TOKEN_NOT_FOUND')).toMatchObject({message: expect.stringMatching(/^Line 2: /) as string})
  await expectations(['who: {token: ci}, expect: allow'])
  expect(await zt.fails('policy test e.yaml', 'usage', 'BAD_EXPECTATIONS')).toMatchObject({message: expect.stringContaining("e.yaml:1:3") as string})
  await zt.fails('policy test nothing.yaml', 'usage', 'BAD_EXPECTATIONS')
}) // prettier-ignore
