import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'
import {againstSchema} from '../../support/json-schemas.js'

const scene = commandTests('access ssh-config')
const HOST = 'gitlab.widgetcorp.tech'

it('prints the block of zt ssh config', async () => {
  const {zt} = scene
  const {stdout} = await zt.run(`ssh config ${HOST}`)
  expect(await zt.run(`access ssh-config --hostname ${HOST}`)).toMatchObject({exitCode: 0, stdout})
  const {stdout: json} = await zt.run(`access ssh-config -hostname=https://${HOST} --json`)
  expect(againstSchema('access ssh-config', JSON.parse(json) as never)).toMatchObject({host: HOST})
})

it('says that zt makes no short-lived certificates', async () => {
  const {stdout, stderr} = await scene.zt.run(`access ssh-config --hostname ${HOST} --short-lived-cert`)
  expect(stdout).toContain(`Host ${HOST}\n`)
  expect(stderr).toMatch(/^note: .*no short-lived certificates/m)
})

it('fails where the command line is wrong', async () => {
  await scene.zt.fails('access ssh-config', 'usage', 'BAD_COMMAND_LINE')
  await scene.zt.fails('access ssh-config --hostname a/b', 'usage', 'BAD_HOSTNAME')
  await scene.zt.fails(`access ssh-config --hostname ${HOST} --write`, 'usage', 'BAD_COMMAND_LINE')
})
