import {expect, it} from 'vitest'
import {commandTests} from '../../support/command-harness.js'

const scene = commandTests('app explain')

it('tries', async () => {
  const {zt} = scene
  for (const line of ['app explain GitLab --token ci', 'app explain Build --token ci','app explain https://build.widgetcorp.tech/x?y=1 --no-credentials --ip 1.2.3.4 --country de', 'app explain Build --all', 'app explain of.widgetcorp.tech --email ada@widgetcorp.tech --group a', 'app explain GitLab --token off', 'app explain Legacy --all', 'app explain Wiki --token ci'])
    { const {stdout, stderr, exitCode} = await zt.run(line); console.log(line, exitCode, '\n' + stdout + stderr) }
  expect(1).toBe(1)
})
