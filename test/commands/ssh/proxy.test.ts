import {expect, it, vi} from 'vitest'
import {endedBare} from '../../../src/lib/tunnel/carrier/carry-errors.js'
import {commandTests} from '../../support/command-harness.js'
import {againstSchema} from '../../support/json-schemas.js'

// The process that carries the connection takes this one's own stdin: test/e2e runs it. Here it is what it is given.
const main = vi.fn(async (_argv: string[]) => 0)
vi.doMock('../../../src/lib/tunnel/proxy/main.js', () => ({main}))

const scene = commandTests('ssh proxy')
const HOST = 'gitlab.widgetcorp.tech'
const flags =
  '--token ci --yes --client builtin --destination 10.0.0.1:22 --header X-Client:build --timeout 5 --connect-to 127.0.0.1:8443 --ca-file /ca.pem'

it('hands its words to the process that carries the connection, and ends as that ends', async () => {
  main.mockResolvedValueOnce(10)
  const {exitCode, stdout, stderr} = await scene.zt.run(`ssh proxy ${HOST} ${flags}`)
  expect(main).toHaveBeenLastCalledWith([HOST, ...flags.split(' ')])
  expect({exitCode, stdout, stderr}).toEqual({exitCode: 10, stdout: '', stderr: ''})
})

it('prints nothing itself with --json: the process that carries the connection does', async () => {
  const {stdout, stderr} = await scene.zt.run(`ssh proxy ${HOST} --json`)
  expect(stdout + stderr).toBe('')
  const document = {note: {...endedBare()}}
  expect(againstSchema('ssh proxy', document)).toBe(document)
})

it('fails where the command line is wrong', async () => {
  main.mockClear()
  await scene.zt.fails('ssh proxy', 'usage', 'BAD_COMMAND_LINE')
  await scene.zt.fails(`ssh proxy ${HOST} --client pigeon`, 'usage', 'BAD_COMMAND_LINE')
  await scene.zt.fails(`ssh proxy ${HOST} --connect-to nowhere`, 'usage', 'BAD_CONNECT_TO')
  expect(main).not.toHaveBeenCalled()
})
