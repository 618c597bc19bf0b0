import fs from 'node:fs'
import path from 'node:path'
import {describe, expect, it} from 'vitest'
import {connectSuggestion} from '../../../src/lib/access/account/connect.js'

const ctx = {profile: 'default', profileNamed: false}
const HOST = 'app.example.com'
const EVERY = [
  `If it is an SSH server: zt ssh ${HOST}`,
  `If it is a web service: zt curl https://${HOST}/`,
  `If it is another TCP service: zt forward ${HOST}`,
]

describe('what to connect to a host with', () => {
  it.each([
    ['nothing known', HOST, undefined, EVERY],
    ['a self-hosted application', HOST, 'self_hosted', EVERY],
    ['a type that zt does not know', HOST, 'toString', EVERY],
    ['a host named for SSH', 'gitlab-ssh.example.com', 'self_hosted', ['zt ssh gitlab-ssh.example.com']],
    ['a host named for SSH, in its first label', 'ssh.example.com', undefined, ['zt ssh ssh.example.com']],
    [
      'a word that contains ssh',
      'flossh.example.com',
      undefined,
      [
        'If it is an SSH server: zt ssh flossh.example.com',
        'If it is a web service: zt curl https://flossh.example.com/',
        'If it is another TCP service: zt forward flossh.example.com',
      ],
    ],
    ['a path', `${HOST}/hooks`, 'self_hosted', [`zt curl https://${HOST}/hooks`]],
    [
      'a path of a host named for SSH',
      `ssh.example.com/a/b`,
      undefined,
      ['zt curl https://ssh.example.com/a/b'],
    ],
    ['a path with a star', `${HOST}/hooks/*`, 'self_hosted', [`zt curl https://${HOST}/hooks/`]],
    [
      'a path with a character for the shell',
      `${HOST}/a;b`,
      'self_hosted',
      [`zt curl 'https://${HOST}/a;b'`],
    ],
    ['SSH in the browser', HOST, 'ssh', [`zt ssh ${HOST}`]],
    ['RDP in the browser', HOST, 'rdp', [`zt forward ${HOST}`]],
    ['an MCP portal', HOST, 'mcp_portal', [`zt curl https://${HOST}/`]],
    [
      'many hosts',
      '*.example.com',
      'self_hosted',
      ["If it is an SSH server: zt ssh config '*.example.com' --write"],
    ],
    [
      'many hosts named for SSH',
      '*-ssh.example.com',
      'self_hosted',
      ["zt ssh config '*-ssh.example.com' --write"],
    ],
    ['many hosts with a path', '*.example.com/x', 'self_hosted', []],
    ['many hosts of an MCP portal', '*.example.com', 'mcp_portal', []],
  ] as const)('%s', (_what, host, type, expected) => {
    expect(connectSuggestion(ctx, {host, type})).toEqual(expected)
  })

  it('names the profile where the command line did', () => {
    expect(connectSuggestion({profile: 'work', profileNamed: true}, {host: 'ssh.example.com'})).toEqual([
      'zt ssh ssh.example.com --profile work',
    ])
  })

  it('is written in this one place: no other file composes such a command', () => {
    const written = sources().flatMap((file) =>
      [
        ...fs
          .readFileSync(file, 'utf8')
          .matchAll(
            /zt (?:ssh|curl|forward) \$\{|ztCommand\(\s*[\w.{}, ]+,\s*'(?:ssh|curl|forward)'(?!,\s*'(?:config|list|stop)')/g,
          ),
      ].map(([text]) => `${file}: ${text}`),
    )
    expect(new Set(written.map((one) => one.split(':')[0]))).toEqual(
      // It corrects the URL of its own command line.
      new Set(['src/lib/tunnel/curl/arguments.ts']),
    )
  })
})

function sources(): string[] {
  return fs
    .readdirSync('src', {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.join('src', name))
}
