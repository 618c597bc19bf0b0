import {describe, expect, it} from 'vitest'
import {endLike} from '../../../src/lib/tunnel/exec/child.js'
import {withoutVariables} from '../../../src/lib/system/platform.js'
import {locate} from '../../../src/lib/tunnel/exec/exec.js'

const PATH = 'C:\\nodejs;C:\\tools'
const there = ['C:\\nodejs\\npm.cmd', 'C:\\nodejs\\npm', 'C:\\tools\\terraform.exe', 'C:\\tools\\old.bat']
const windows = {platform: 'win32' as const, isProgram: (file: string) => there.includes(file)}

describe('a command on Windows', () => {
  it('is found with its ending', () => {
    expect(locate('terraform', {Path: PATH}, windows)).toBe('C:\\tools\\terraform.exe')
  })

  it.each([
    ['npm', 'C:\\nodejs\\npm.cmd'],
    ['npm.cmd', 'C:\\nodejs\\npm.cmd'],
    ['old', 'C:\\tools\\old.bat'],
    ['C:\\tools\\terraform', 'C:\\tools\\terraform.exe'],
    ['C:\\tools/terraform', 'C:\\tools/terraform.exe'],
    ['..\\bin\\x', '..\\bin\\x.exe'],
    ['C:bin\\x', 'C:bin\\x.com'],
    ['C:\\nodejs\\npm', 'C:\\nodejs\\npm.cmd'],
    ['.\\deploy.bat', '.\\deploy.bat'],
  ])('%s is %s', (word, found) => {
    const more = ['..\\bin\\x.exe', 'C:bin\\x.com', '.\\deploy.bat', 'C:\\tools/terraform.exe']
    const isProgram = (file: string): boolean => [...there, ...more].includes(file)
    expect(locate(word, {PATH, PATHEXT: '.COM;.EXE;.BAT;.CMD'}, {...windows, isProgram})).toBe(found)
  })

  it.each(['.\\deploy.py', 'C:\\tools\\a.ps1', 'C:\\tools\\npm.cmd.'])(
    '%s is there, and is nothing that Windows starts by itself',
    (word) => {
      const search = {...windows, exists: (file: string) => file === word}
      expect(() => locate(word, {PATH}, search)).toThrow(
        expect.objectContaining({code: 'COMMAND_NOT_EXECUTABLE', exitCode: 126}),
      )
    },
  )

  it.each(['nothing', '.\\nothing', 'C:\\nothing.exe'])('%s is not found', (word) => {
    expect(() => locate(word, {PATH}, windows)).toThrow(
      expect.objectContaining({code: 'COMMAND_NOT_FOUND', exitCode: 127}),
    )
  })
})

it.each<[platform: NodeJS.Platform, signal: NodeJS.Signals | undefined, killedBy: string | undefined]>([
  ['linux', 'SIGINT', 'SIGINT'],
  ['darwin', 'SIGTERM', 'SIGTERM'],
  ['linux', 'SIGSEGV', undefined],
  ['linux', undefined, undefined],
  ['win32', 'SIGINT', undefined],
  ['win32', undefined, undefined],
])(
  'on %s, where a child was ended by %s, zt ends by %s, and always with its code',
  (platform, signal, killedBy) => {
    let killed: string | number | undefined
    const self = {
      pid: 1,
      exitCode: undefined as NodeJS.Process['exitCode'],
      kill: (_pid: number, by?: string | number) => {
        killed = by
        return true as const
      },
    }
    endLike({exitCode: 130, signal}, {platform, self})
    expect([killed, self.exitCode]).toEqual([killedBy, 130])
  },
)

it.each<[platform: NodeJS.Platform, left: string[]]>([
  ['linux', ['cf_access_client_id', 'Path']],
  ['darwin', ['cf_access_client_id', 'Path']],
  ['win32', ['Path']],
])('on %s nothing is added to what is set: %j is left', (platform, left) => {
  const env = {CF_ACCESS_CLIENT_ID: 'old', cf_access_client_id: 'older', Path: 'p'}
  expect(Object.keys(withoutVariables(env, ['CF_ACCESS_CLIENT_ID'], platform))).toEqual(left)
})
