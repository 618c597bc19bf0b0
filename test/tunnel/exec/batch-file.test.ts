import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {batchStart} from '../../../src/lib/tunnel/exec/batch-file.js'

const NPM = 'C:\\Program Files\\nodejs\\npm.cmd'
const env = {SYSTEMROOT: 'C:\\Windows'}
const start = (...args: string[]) => batchStart(NPM, args, env, 'zt exec TOKEN --')

describe('a batch file', () => {
  it('is started by the cmd.exe of Windows, with each word in quotes', () => {
    expect(start('run', 'a b', 'x&calc.exe', '', 'C:\\dir\\')).toEqual({
      program: 'C:\\Windows\\System32\\cmd.exe',
      args: [
        ...['/e:on', '/v:off', '/d', '/s', '/c'],
        `""${NPM}" "run" "a b" "x&calc.exe" "" "C:\\dir\\\\""`,
      ],
    })
  })

  it.each([
    ['a quote', '"&calc.exe&"'],
    ['a variable', '%CF_ACCESS_CLIENT_SECRET%'],
    ['a part of one', '%CMDCMDLINE:~-1%&calc.exe'],
    ['a delayed variable', '!CF_ACCESS_CLIENT_SECRET!'],
    ['a line break', 'a\ncalc.exe'],
    ['a carriage return', 'a\rcalc.exe'],
    ['the end of a file', 'a\u001acalc.exe'],
  ])('is not started with %s', (_what, word) => {
    expect(() => start('run', word)).toThrow(
      expect.objectContaining({
        code: 'COMMAND_NOT_EXECUTABLE',
        exitCode: 126,
        why: expect.stringContaining('Argument 2') as string,
        next: [expect.stringContaining('zt exec TOKEN -- cmd /d /c') as string],
      }),
    )
  })

  it.each([
    ['a path with a variable', () => batchStart('C:\\%x%\\a.cmd', [], env, '')],
    ['a line that is too long', () => start('x'.repeat(9000))],
    ['no directory of Windows', () => batchStart(NPM, [], {SystemRoot: 'Windows'}, '')],
    ...['\\\\server\\share', '//server/share/x', '\\\\?\\C:\\x'].map((cwd): [string, () => unknown] => [
      `the current directory ${cwd}`,
      () => batchStart(NPM, ['x'], env, '', cwd),
    ]),
  ])('is not started with %s', (_what, run) => {
    expect(run).toThrow(expect.objectContaining({code: 'COMMAND_NOT_EXECUTABLE'}))
  })

  it('gets every argument inside quotes, or none at all', () => {
    const word = fc.oneof(fc.string(), fc.string({unit: fc.constantFrom(...'&|<>^()"%!\\ \n;,=a')}))
    fc.assert(
      fc.property(fc.array(word, {maxLength: 5}), (args) => {
        let line: string
        try {
          line = start(...args).args.at(-1) ?? ''
        } catch (error) {
          expect(args.some((one) => /["%!]|\p{Cc}/u.test(one)) || args.join('').length > 7000).toBe(true)
          expect(error).toMatchObject({code: 'COMMAND_NOT_EXECUTABLE'})
          return
        }
        // As cmd.exe reads it behind /s: without the outer quotes, each quote opens or closes, and only blanks are outside.
        const outside = line
          .slice(1, -1)
          .split('"')
          .filter((_, nth) => nth % 2 === 0)
        expect(outside.every((text) => /^ ?$/.test(text))).toBe(true)
        expect(line.slice(1, -1)).not.toMatch(/[%!]|\p{Cc}/u)
      }),
    )
  })
})
