import fs from 'node:fs/promises'
import path from 'node:path'
import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'
import {until} from '../../support/patience.js'

const scene = commandTests('app open')

it('prints where the application is', async () => {
  const {zt} = scene
  expect((await zt.run('app open GitLab')).stdout).toBe('https://gitlab.widgetcorp.tech/\n')
  expect(await zt.json('app open GitLab')).toMatchObject({
    url: 'https://gitlab.widgetcorp.tech/',
    opened: false,
  })
  await zt.fails('app open Nothing', 'not-found', 'APPLICATION_NOT_FOUND')
  await zt.fails('app open Nothing --zone elsewhere.example', 'not-found', 'ZONE_NOT_FOUND')
})

it('has none for patterns', async () => {
  const {zt} = scene
  Object.assign(zt.app('GitLab'), {
    domain: '*.widgetcorp.tech',
    self_hosted_domains: ['*.widgetcorp.tech'],
    destinations: [],
  })
  await zt.fails('app open GitLab', 'usage', 'NO_ADDRESS')
})

it.skipIf(process.platform !== 'linux')(
  'starts the browser where a person is, without the secrets of the environment',
  async () => {
    const {zt} = scene
    const file = path.join(zt.home, 'work', 'opened')
    const bin = path.join(zt.home, 'work', 'bin')
    await fs.mkdir(bin)
    await fs.writeFile(
      path.join(bin, 'xdg-open'),
      `#!/bin/sh\n{ echo "$1"; env; } > '${file}.new'; mv '${file}.new' '${file}'\n`,
      {mode: 0o755},
    )
    const env = {
      PATH: `${bin}:/usr/bin:/bin`,
      CF_ACCESS_CLIENT_ID: 'x.access',
      CF_ACCESS_CLIENT_SECRET: 'not-for-it',
    }
    const {stdout, stderr} = await zt.run('app open GitLab', {answers: [], env})
    expect({stdout, stderr}).toEqual({stdout: 'https://gitlab.widgetcorp.tech/\n', stderr: ''})
    const said = await until(() => fs.readFile(file, 'utf8').catch(() => undefined))
    expect(said).toMatch(/^https:\/\/gitlab\.widgetcorp\.tech\/\n/)
    expect(said).not.toMatch(/not-for-it|CLOUDFLARE_API_TOKEN/)
    const {stderr: warned} = await zt.run('app open GitLab', {answers: [], env: {PATH: zt.home}})
    expect(warned).toContain('no program that opens a browser')
  },
)
