import {Args, Command, Flags} from '@oclif/core'
import {afterEach, describe, expect, it} from 'vitest'
import type {Hook} from '@oclif/core'
import commandNotFound, {unknownCommand} from '../../src/lib/cli/command-not-found.js'
import {hoistGlobalFlags} from '../../src/lib/cli/hoist.js'
import {fromOclif} from '../../src/lib/cli/parse-error.js'
import {UserError} from '../../src/lib/core/errors.js'
import {COMMANDS} from '../support/command-harness.js'
import {manifest} from '../support/manifest.js'

class Trial extends Command {
  static override args = {
    name: Args.string({required: true, description: 'name of the thing', ignoreStdin: true}),
    kind: Args.string({options: ['red', 'blue'], ignoreStdin: true}),
  }
  static override flags = {
    count: Flags.integer({min: 1, max: 9}),
    client: Flags.option({options: ['zt', 'cloudflared'] as const})(),
    finish: Flags.boolean({exclusive: ['undo']}),
    undo: Flags.boolean(),
    http: Flags.string(),
    allow: Flags.string({dependsOn: ['http']}),
    host: Flags.string({multiple: false}),
    yes: Flags.boolean(),
    checked: Flags.custom({
      parse: async () => {
        throw new UserError({kind: 'conflict', code: 'NO', message: 'It is taken', status: 1} as never)
      },
    })(),
  }
  override async run(): Promise<void> {
    await this.parse(Trial)
  }
}

async function said(...argv: string[]): Promise<UserError> {
  const thrown = await Trial.run(argv, import.meta.dirname).catch((error: unknown) => error)
  const error = fromOclif(thrown, 'token trial')
  if (error instanceof UserError) return error
  throw thrown
}

const everyCommand = [...COMMANDS.keys()].map((one) => one.split(' '))
const everyTopic = [
  ...new Set(everyCommand.filter(({length}) => length > 1).map(([topic]) => topic ?? '')),
].map((topic) => [topic])

/** What a command takes. */
const taken = (command: string) =>
  manifest.commands[command.replaceAll(' ', ':')] as Pick<Command.Loadable, 'args' | 'flags'> | undefined

const SECRET = 'Zx9'.repeat(14)

describe('a command line that oclif refuses', () => {
  afterEach(() => {
    process.exitCode = undefined
  })

  it.each([
    [[], 'NAME is missing', ['NAME: name of the thing']],
    [['a', 'red', 'b', 'c'], 'Unexpected arguments: b c', ['The command takes NAME KIND.']],
    [['a', 'green'], 'The argument takes one of: red, blue', []],
    [['a', '--bogus'], 'There is no flag --bogus here', []],
    [['a', '--bogus', '-x'], 'There are no flags --bogus, -x here', []],
    [['a', '--client', 'ssh'], '--client takes one of: zt, cloudflared', []],
    [['a', '--client'], '--client takes one of: zt, cloudflared', []],
    [['a', '--host'], '--host needs a value', []],
    [['a', '--count', 'many'], '--count needs a whole number', []],
    [['a', '--count', '0'], '--count is at least 1', []],
    [['a', '--count', '10'], '--count is at most 9', []],
    [['a', '--finish', '--undo'], '--undo cannot be used with --finish', []],
    [['a', '--allow', 'x'], '--allow needs --http', []],
    [['a', '--host', 'x', '--host', 'y'], '--host is given more than once', []],
  ])('is refused in our words: %j', async (argv, message, why) => {
    const error = await said(...argv)
    expect(error).toMatchObject({kind: 'usage', code: 'BAD_COMMAND_LINE', message, whyLines: why})
    expect(error.next.at(-1)).toBe('zt token trial --help')
  })

  it('suggests the flag that was meant', async () => {
    expect((await said('a', '--coount=3')).next[0]).toBe('Write --count instead')
    expect((await said('a', '--template=3')).next).toEqual(['zt token trial --help'])
    expect((await said('a', '--force')).next[0]).toBe('Write --yes instead')
    // Not by a letter.
    expect((await said('a', '-u')).next).toEqual(['zt token trial --help'])
    expect((await said('--name', 'a')).next[0]).toBe('zt token trial NAME')
  })

  it.each([
    ['an argument', ['a', 'red', SECRET]],
    ['a value of an unknown flag', ['a', `--secret=${SECRET}`]],
    ['a value that is not a choice', ['a', `--client=${SECRET}`]],
    ['an argument that is not a choice', ['a', SECRET]],
    ['a number', ['a', '--count', SECRET]],
    ['a flag that excludes another', ['a', `--allow=${SECRET}`]],
  ])('does not repeat what may be a secret: %s', async (_, argv) => {
    const {message, why, next} = await said(...argv)
    expect(JSON.stringify([message, why, next])).not.toContain(SECRET)
  })

  it("keeps a flag's own check, without oclif's lines around it", async () => {
    expect(await said('a', '--checked', 'x')).toMatchObject({
      message: 'It is taken',
      kind: 'conflict',
      code: 'NO',
    })
  })

  it('leaves other errors alone', () => {
    const error = new Error('x')
    expect(fromOclif(error)).toBe(error)
  })

  it('is in the words of zt where the help of a command is asked for that there is not', () => {
    const thrown = Object.assign(new Error(`Command app:check:${SECRET} not found.`), {oclif: {exit: 2}})
    expect(fromOclif(thrown)).toMatchObject({
      code: 'BAD_COMMAND_LINE',
      message: 'There is no command "zt app check [hidden]"',
      next: ['zt --help'],
    })
  })
})

describe('words that are no command', () => {
  it('are corrected to words as a person types them, also for a topic in a topic', async () => {
    const before = process.argv
    process.argv = ['node', 'zt', 'token', 'reahc', 'x']
    const config = {
      commands: [],
      topics: [{name: 'token'}, {name: 'token:reach'}],
      findCommand: () => undefined,
    }
    try {
      await expect(
        commandNotFound.call(
          {} as Hook.Context,
          {id: '', config} as unknown as Parameters<typeof commandNotFound>[0],
        ),
      ).rejects.toMatchObject({next: ['zt token reach x', 'zt --help']})
    } finally {
      process.argv = before
    }
  })

  const commands = ['token create', 'token list', 'profile use', 'undo', 'ssh', 'ssh check'].map((one) =>
    one.split(' '),
  )
  const topics = [['token'], ['profile']]
  const of = (...words: string[]): [string, ...string[]] => {
    const {message, next} = unknownCommand(words, commands, topics, taken)
    return [message, ...next]
  }

  it.each([
    [['tokn', 'create', 'x'], 'zt tokn', 'zt token create x'],
    [['token', 'crate', 'my token', '--json'], 'zt token crate', "zt token create 'my token' --json"],
    [['undoo', '--yes'], 'zt undoo', 'zt undo --yes'],
    [['toke'], 'zt toke', 'zt token'],
    [['exit-codes'], 'zt exit-codes', 'zt help exit-codes'],
    // The first word is right, and the second near to nothing.
    [['token', 'stop', 'x'], 'zt token stop', 'zt token --help'],
    [['profile', 'foo'], 'zt profile foo', 'zt profile --help'],
    // It is the second word of a command.
    [['check', 'db.example.com'], 'zt check', 'zt ssh check db.example.com'],
  ])('are answered with the nearest one, and keep the rest: %j', (words, typed, suggestion) => {
    expect(of(...words)).toEqual([`There is no command "${typed}"`, suggestion, 'zt --help'])
  })

  it.each([
    ['tokens', 'token list'],
    ['tokens --json', 'token list --json'],
    ['tokens create ci', 'token create ci'],
    ['token ls', 'token list'],
    ['token delete ci --yes', 'token revoke ci --yes'],
    ['token rm ci', 'token revoke ci'],
    ['token get ci', 'token show ci'],
    ['service-token list', 'token list'],
    ['app ls', 'app list'],
    ['apps', 'app list'],
    ['application view GitLab', 'app show GitLab'],
    ['get tokens', 'token list'],
    ['get token ci', 'token show ci'],
    ['describe app GitLab', 'app show GitLab'],
    ['delete policy old', 'policy delete old'],
    ['list tokens', 'token list'],
    ['ls', 'token list'],
    ['profiles', 'profile list'],
    ['profile rm lab', 'profile delete lab'],
    ['profile switch lab', 'profile use lab'],
    ['config use-context lab', 'profile use lab'],
    ['config current-context', 'profile show'],
    ['-v', 'version'],
    ['profile create lab', 'login --profile lab'],
    ['auth login', 'login'],
    ['auth status', 'whoami'],
    ['sandbox up', 'sandbox start'],
    ['port-forward db.example.com', 'forward db.example.com'],
    ['connect git@h.example.com', 'ssh git@h.example.com'],
    ['store verify', 'store check'],
    // Without what the command does not take.
    ['token delete ci -f', 'token revoke ci'],
    ['token rm ci --force --yes', 'token revoke ci'],
    ['tokens -o json', 'token list'],
    ['get tokens --json -o wide', 'token list --json'],
    ['auth refresh --scopes x', 'login'],
    ['auth login --hostname github.com', 'login'],
    ['status api.example.com', 'whoami'],
    ['describe app GitLab Jenkins', 'app show GitLab'],
    ['run ci -- make -j 2', 'exec ci -- make -j 2'],
    ['fetch https://api.example.com/ --token ci', 'curl https://api.example.com/ --token ci'],
    ['port-forward db.example.com:1 cache.example.com:2', 'forward db.example.com:1 cache.example.com:2'],
  ])('zt %s, as other programs say it: zt %s', (typed, meant) => {
    expect(unknownCommand(typed.split(' '), everyCommand, everyTopic, taken).next).toEqual([
      `zt ${meant}`,
      'zt --help',
    ])
  })

  it('name a command that exists in every suggestion', () => {
    const all = everyCommand.map((one) => one.join(' '))
    const nouns = [...everyTopic.flat(), 'tokens', 'apps', 'policies', 'groups', 'profiles', 'stores']
    const verbs = [
      'ls',
      'get',
      'rm',
      'delete',
      'new',
      'add',
      'mv',
      'edit',
      'switch',
      'up',
      'down',
      'view',
      'roll',
    ]
    for (const noun of nouns) {
      for (const line of [
        [noun],
        ...verbs.flatMap((verb) => [
          [noun, verb, 'x'],
          [verb, noun, 'x'],
        ]),
      ]) {
        if (all.includes(line.slice(0, 2).join(' '))) continue
        const [first = ''] = unknownCommand(line, everyCommand, everyTopic, taken).next
        const [, topic = '', verb = ''] = first.split(' ')
        const exists =
          all.includes(topic) || all.includes(`${topic} ${verb}`) || verb === '--help' || verb === ''
        expect(exists, `zt ${line.join(' ')}: ${first}`).toBe(true)
      }
    }
  })

  it('get the help of the topic where zt has no such command', () => {
    expect(unknownCommand(['app', 'delete', 'x'], everyCommand, everyTopic, taken).next).toEqual([
      'zt app --help',
      'zt --help',
    ])
  })

  it('have no suggestion when none is near', () => {
    expect(of('xyzzy', 'y')).toEqual(['There is no command "zt xyzzy"', 'zt --help'])
  })

  it('are not repeated where one may be a secret', () => {
    expect(of('tokn', 'create', SECRET)).toEqual([
      'There is no command "zt tokn"',
      'zt token create',
      'zt --help',
    ])
    expect(of(SECRET)).toEqual(['There is no command "zt [hidden]"', 'zt --help'])
  })

  it.each(['login', 'token', 'ssh-gen'])('say that zt has no cloudflared access %s, and why', (command) => {
    const error = unknownCommand(['access', command, 'x'], commands, [...topics, ['access']], taken)
    expect(error.message).toBe(`zt does not do what cloudflared access ${command} does`)
    expect(error).toMatchObject({whyLines: [expect.stringContaining('no login')], next: ['zt access --help']})
  })

  it('are arguments of a command that takes none', () => {
    expect(unknownCommand(['token', 'list', 'all', '--json'], commands, topics, taken)).toMatchObject({
      code: 'BAD_COMMAND_LINE',
      message: 'Unexpected argument: all',
      whyLines: ['The command takes no argument.'],
      next: ['zt token list --help'],
    })
  })
})

describe('global flags before the command', () => {
  it.each([
    [
      ['--json', 'token', 'list'],
      ['token', 'list', '--json'],
    ],
    [
      ['--profile', 'a', '--no-input', 'undo'],
      ['undo', '--profile', 'a', '--no-input'],
    ],
    [
      ['--account=1', 'curl', 'h', '--', '-s'],
      ['curl', 'h', '--account=1', '--', '-s'],
    ],
    [
      ['token', 'list', '--json'],
      ['token', 'list', '--json'],
    ],
    // What is for another program begins without --.
    [
      ['--json', 'access', 'curl', 'u', '-s'],
      ['access', 'curl', '--json', 'u', '-s'],
    ],
    [
      ['--json', 'access'],
      ['access', '--json'],
    ],
    [['--json'], ['--json']],
    [['--profile'], ['--profile']],
    [
      ['--yes', 'token', 'list'],
      ['--yes', 'token', 'list'],
    ],
  ])('are moved behind it: %j', (given, expected) => {
    expect(hoistGlobalFlags(given)).toEqual(expected)
  })
})

describe("cloudflared's own options before its command", () => {
  it.each([
    [
      ['--no-autoupdate', 'access', 'ssh', '-T', 'h'],
      ['access', 'ssh', '-T', 'h'],
    ],
    [
      ['--loglevel', 'debug', '-logfile=x', 'access', '--fedramp', 'ssh'],
      ['access', 'ssh'],
    ],
    [
      ['access', '--fedramp=true', 'curl', 'u', '--no-autoupdate'],
      ['access', 'curl', 'u', '--no-autoupdate'],
    ],
    [
      ['--no-autoupdate', 'token', 'list'],
      ['--no-autoupdate', 'token', 'list'],
    ],
    [['--loglevel'], ['--loglevel']],
  ])('are left out before access, and nowhere else: %j', (given, expected) => {
    expect(hoistGlobalFlags(given)).toEqual(expected)
  })
})
