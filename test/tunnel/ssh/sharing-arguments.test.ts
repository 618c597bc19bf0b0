import {describe, expect, it} from 'vitest'
import {optionsIn, sharingWishes} from '../../../src/lib/tunnel/ssh/sharing-arguments.js'

describe('what the arguments for ssh say about sharing', () => {
  it.each<[why: string, args: string[]]>([
    ['nothing at all', []],
    ['a remote command', ['uptime']],
    ['a terminal', ['-tt', 'top']],
    ['a command that looks like an option, behind --', ['--', '-L']],
    ['options of the remote command', ['ls', '-A', '-L', '-o', 'ControlPath=x']],
    ['no remote command', ['-N']],
    ['a value that looks like an option', ['-e', '-L', 'true']],
    ['a word to the master', ['-O', 'exit']],
    ['stdin and stdout through the host', ['-W', 'inner:22']],
  ])('leaves it on, and the connection the same, for %s', (_why, args) => {
    expect(sharingWishes(args)).toEqual({share: true, said: false, connection: []})
  })

  it.each<[why: string, args: string[]]>([
    ['a path of its own', ['-o', 'ControlPath=none']],
    ['in one word', ['-oControlMaster=no']],
    ['with a blank', ['-o', 'controlpersist 5']],
    ['in a cluster', ['-Tto', 'ControlMaster=auto', 'true']],
    ['-S', ['-S', '/run/x']],
    ['-M', ['-M']],
    ['a forwarded port', ['-L', '8080:localhost:80']],
    ['a forwarded port in one word', ['-R8080:localhost:80']],
    ['a forwarded port by its keyword', ['-o', 'DynamicForward 1080']],
    ['a SOCKS proxy', ['-ND1080']],
    ['a forwarded agent', ['-A']],
    ['a forwarded agent by its keyword', ['-o', 'ForwardAgent=yes']],
    ['a window', ['-X']],
    ['the background', ['-f']],
    ['the handshake to be seen', ['-vvT', 'true']],
    ['the handshake to be seen, by its keyword', ['-o', 'LogLevel=DEBUG2']],
  ])('switches it off for %s', (_why, args) => {
    expect(sharingWishes(args).share).toBe(false)
  })

  it.each<[args: string[], connection: string[]]>([
    [['-i', 'key', 'true'], ['ikey']],
    [['-ikey'], ['ikey']],
    [
      ['-4Cp', '2222', '-o', 'IdentitiesOnly=yes'],
      ['4', 'C', 'p2222', 'oIdentitiesOnly=yes'],
    ],
    [
      ['-J', 'jump', '-i'],
      ['Jjump', 'i'],
    ],
  ])('sees another connection in %j', (args, connection) => {
    expect(sharingWishes(args)).toEqual({share: true, said: false, connection})
  })

  it.each<[args: string[], said: boolean]>([
    [['-S', '/run/x'], true],
    [['-S/run/x'], true],
    [['-vS', '/run/x'], true],
    [['-S', 'none'], true],
    [['-M'], true],
    [['-MM'], true],
    [['-TNM'], true],
    [['-oControlPath=x'], true],
    [['-o', 'controlpath x'], true],
    [['-o', ' CONTROLPATH="x y"'], true],
    [['-o', '"ControlPath" x'], true],
    [['-To', 'ControlMaster=auto'], true],
    [['-o', 'ControlMaster ask'], true],
    [['-F', 'file', '-S', 'x'], true],
    [['-P', '-S', 'x'], true],
    [['-o', 'ControlMaster=no'], false],
    [['-oControlMaster "no"'], false],
    [['-o', 'controlmaster  FALSE'], false],
    [['-o', 'ControlPersist=5'], false],
    [['-i', '-S', 'uptime'], false],
    [['uptime', '-S', 'x'], false],
    [['--', '-M'], false],
  ])('knows in %j whether the person says by what to share', (args, said) => {
    expect(sharingWishes(args).said).toBe(said)
  })
})

it.each<[args: string[], options: string[], file: string | undefined]>([
  [[], [], undefined],
  [['-v', 'uptime', '-F', 'not'], ['-v'], undefined],
  [['-F', 'a', '-p22', '-vF', 'b', 'cmd'], ['-p', '22', '-v'], 'b'],
  [['-Fnone', '-o', 'User x', '--', '-v'], ['-o', 'User x'], 'none'],
])('the options of %j are %j, and the file is %s', (args, options, file) => {
  expect(optionsIn(args)).toEqual({options, file})
})
