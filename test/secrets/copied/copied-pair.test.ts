import {Readable} from 'node:stream'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Prompts} from '../../../src/lib/cli/prompts.js'
import {readSecretFromStdin} from '../../../src/lib/cli/stdin.js'
import {readCopiedCredentials} from '../../../src/lib/command/copied-credentials.js'
import {loadSettings} from '../../../src/lib/config/settings.js'
import {UserError} from '../../../src/lib/core/errors.js'
import {COPIED_LIMIT, readCopiedPair} from '../../../src/lib/secrets/copied/pair.js'
import type {ServiceCredentials} from '../../../src/lib/secrets/types.js'
import {FORMS, ID, PARTS, REFUSED, SECRET, type CopiedForm} from '../../support/copied-forms.js'

/** The answers to the prompts in turn: a prompt takes one line. */
async function asked(...answers: string[]): Promise<ServiceCredentials> {
  const left = [...answers]
  const person = {possible: true, pasted: () => Promise.resolve(left.shift()?.split('\n')[0] ?? '')}
  const pair = await readCopiedCredentials(person as unknown as Prompts)
  expect(left).toEqual([])
  return pair
}

async function piped(bytes: Buffer): Promise<ServiceCredentials> {
  const text = await readSecretFromStdin(COPIED_LIMIT, Readable.from([bytes]))
  return readCopiedPair(text ? [{text}] : [], {next: []})
}

async function set(
  CF_ACCESS_CLIENT_ID: string,
  CF_ACCESS_CLIENT_SECRET?: string,
): Promise<ServiceCredentials> {
  const env = {CF_ACCESS_CLIENT_ID, CF_ACCESS_CLIENT_SECRET, XDG_CONFIG_HOME: '/nowhere', HOME: '/nowhere'}
  const {environmentCredentials} = await loadSettings({env, cwd: '/', flags: {}})
  if (!environmentCredentials) throw new Error('there is no pair in the environment')
  return environmentCredentials
}

/** What was pasted as one line, without the lines that would make all of it a comment. */
const inOneLine = (text: string): string =>
  text
    .replaceAll(/^#.*\n/gm, '')
    .trim()
    .replaceAll(/\s*[\\^]?\r?\n\s*/g, ' ')

const WAYS: readonly [way: string, give: (form: CopiedForm) => Promise<ServiceCredentials>][] = [
  ['stdin', ({text}) => piped(Buffer.from(text))],
  ['the prompts', ({text, halves}) => (halves ? asked(...halves) : asked(inOneLine(text)))],
  ['the environment', ({text, halves}) => (halves ? set(...halves) : set(text))],
]

const plain = ({clientId, clientSecret}: ServiceCredentials): string[] => [clientId, clientSecret.expose()]

async function failure(run: () => Promise<unknown>): Promise<UserError> {
  const error = await run().then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof UserError)) throw error
  const said = [error.message, error.why, ...error.next, JSON.stringify(error.details), error.stack].join(
    '\n',
  )
  for (const part of PARTS) expect(said).not.toContain(part)
  return error
}

describe.each(WAYS)('a pair by %s', (way, give) => {
  it.each(FORMS)('is read as it was copied: $what', async (form) => {
    expect(plain(await give(form))).toEqual(form.pair ?? [ID, SECRET])
  })

  it.each(REFUSED.filter(({notBy}) => notBy !== way))(
    'is refused in a sentence: $what',
    async ({says, ...form}) => {
      const error = await failure(() => give(form))
      expect(error.kind).toBe('usage')
      expect(['BAD_CREDENTIALS', 'HALF_A_PAIR']).toContain(error.code)
      if (error.code === 'BAD_CREDENTIALS') expect(error.why).toMatch(/It was read as \w/)
      if (way === 'stdin') expect(`${error.message} ${error.why ?? ''}`).toMatch(says)
    },
  )
})

describe('a pair', () => {
  it.each<[string, (text: string) => Buffer]>([
    ['UTF-8 with a byte order mark', (text) => Buffer.from(`\uFEFF${text}`)],
    ['UTF-16 of PowerShell', (text) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['UTF-16, the other way round', (text) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
    ['UTF-16 without a mark', (text) => Buffer.from(text, 'utf16le')],
    ['UTF-16 without a mark, the other way round', (text) => Buffer.from(text, 'utf16le').swap16()],
  ])('is read in %s', async (_, encode) => {
    for (const {text, pair} of FORMS.filter((form) => !form.text.startsWith('\uFEFF')))
      if (!/[^\0-\x7F]/.test(text)) expect(plain(await piped(encode(text)))).toEqual(pair ?? [ID, SECRET])
  })

  it('is not read in what is no text', async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x41, 0xd8, 0x42])
    expect(await failure(() => piped(bytes))).toMatchObject({kind: 'usage', code: 'INPUT_NOT_TEXT'})
  })

  it('is found in any order of lines, with any others between them, and in any quotes', () => {
    const quoted = (value: string) => fc.constantFrom('', '"', "'", '`').map((quote) => quote + value + quote)
    const other = fc.constantFrom(
      '',
      '# a note',
      'PORT=80',
      'NAME="x y"',
      'PATH=/bin:/usr/bin',
      'A_TOKEN=abc',
    )
    const name = fc.constantFrom(
      ...([
        ['CF_ACCESS_CLIENT_ID', 'CF_ACCESS_CLIENT_SECRET'],
        ['CF-Access-Client-Id', 'CF-Access-Client-Secret'],
        ['clientId', 'clientSecret'],
        ['TUNNEL_SERVICE_TOKEN_ID', 'TUNNEL_SERVICE_TOKEN_SECRET'],
        ['prod_cf_access_client_id', 'prod_cf_access_client_secret'],
      ] as const),
    )
    fc.assert(
      fc.property(
        ...([name, fc.constantFrom('=', ': ', ' = ', ':'), quoted(ID), quoted(SECRET)] as const),
        ...([fc.array(other, {minLength: 3, maxLength: 3}), fc.boolean(), fc.boolean()] as const),
        ([id, secret], separator, idValue, secretValue, others, secretFirst, swapped) => {
          const two = [
            `${id}${separator}${swapped ? secretValue : idValue}`,
            `${secret}${separator}${swapped ? idValue : secretValue}`,
          ]
          if (secretFirst) two.reverse()
          const text = [others[0], two[0], others[1], two[1], others[2]].join('\n')
          expect(plain(readCopiedPair([{text}], {next: []}))).toEqual([ID, SECRET])
        },
      ),
    )
  })

  it.each<[string, (id: string, secret: string) => string]>([
    ['bare lines', (id, secret) => `${id}\n${secret}\n`],
    ['header lines', (id, secret) => `CF-Access-Client-Id: ${id}\nCF-Access-Client-Secret: ${secret}`],
    ['variables, the secret first', (id, secret) => `CLIENT_SECRET=${secret}\nCLIENT_ID=${id}\nPORT=80`],
    ['JSON', (id, secret) => `{"client_id": "${id}", "client_secret": "${secret}"}`],
  ])('is whole or refused, wherever a line break or blank cuts it: in %s', (_, write) => {
    for (const half of [ID, SECRET, 'f00dfeed'.repeat(8)])
      for (const gap of ['\n', '\r\n', '\n  ', ' ', '\u00a0', '\u2028', '\u200b'])
        for (let at = 1; at < half.length; at++) {
          const broken = half.slice(0, at) + gap + half.slice(at)
          const text = half === ID ? write(broken, SECRET) : write(ID, broken)
          expect(() => readCopiedPair([{text}], {next: []}), `${half} at ${at}`).toThrow(UserError)
        }
  })

  it('is not made of the ID of one pair and the secret of another', () => {
    const text = `CF_ACCESS_CLIENT_ID_PROD=${ID}\nCF_ACCESS_CLIENT_SECRET_PROD=${SECRET}\nCF_ACCESS_CLIENT_SECRET=${'f00dfeed'.repeat(8)}`
    expect(() => readCopiedPair([{text}], {next: []})).toThrow('The input has more than one client secret')
  })

  it('is never made of two pairs with names, whichever of their lines are there', () => {
    const [otherId, otherSecret] = ['fedcba9876543210fedcba9876543210.access', `cfast_${'Zy9'.repeat(16)}`]
    const name = fc.constantFrom<(owner: string, half: string) => string>(
      (owner, half) => `${owner}_CF_ACCESS_CLIENT_${half}`,
      (owner, half) => `CF_ACCESS_CLIENT_${half}_${owner}`,
      (owner, half) => `TF_VAR_${owner.toLowerCase()}_client_${half.toLowerCase()}`,
      (owner, half) => `${owner.toLowerCase()}Client${half === 'ID' ? 'Id' : 'Secret'}`,
      (owner, half) => `${owner}-cf-access-client-${half}`.toLowerCase(),
    )
    const some = fc.subarray([0, 1, 2, 3], {minLength: 1})
    fc.assert(
      fc.property(
        name,
        name,
        some,
        fc.constantFrom('=', ': '),
        fc.boolean(),
        (one, two, kept, sign, json) => {
          const fields = [
            [one('PROD', 'ID'), ID],
            [one('PROD', 'SECRET'), SECRET],
            [two('STAGE', 'ID'), otherId],
            [two('STAGE', 'SECRET'), otherSecret],
          ].filter((_, at) => kept.includes(at))
          const text = json
            ? JSON.stringify(Object.fromEntries(fields))
            : fields.map((field) => field.join(sign)).join('\n')
          const whole = [
            ...(kept.join().includes('0,1') ? [[ID, SECRET]] : []),
            ...(kept.join().includes('2,3') ? [[otherId, otherSecret]] : []),
          ]
          let read: string[] | undefined
          try {
            read = plain(readCopiedPair([{text}], {next: []}))
          } catch (error) {
            expect(error).toBeInstanceOf(UserError)
          }
          if (kept.length === 2 && whole.length === 1) expect(read).toEqual(whole[0])
          else if (read) expect(whole).toContainEqual(read)
        },
      ),
    )
  })

  it('has no part of a client secret as its client ID', () => {
    for (const secret of [SECRET, 'f00dfeed'.repeat(8)])
      for (const part of [secret.slice(0, -1), secret.slice(0, 40)])
        expect(() =>
          readCopiedPair(
            [
              {text: part, as: 'id'},
              {text: SECRET, as: 'secret'},
            ],
            {next: []},
          ),
        ).toThrow('The client ID is not complete')
  })

  it('is never quoted, whatever the input', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9"'{}:=_. \n-]{12,80}$/)
    fc.assert(
      fc.property(word, (text) => {
        try {
          readCopiedPair([{text}], {next: []})
        } catch (error) {
          expect(error).toBeInstanceOf(UserError)
          const {message, why = ''} = error as UserError
          for (const part of text.split(/\s+/).filter(({length}) => length > 9))
            expect(message + why).not.toContain(part)
        }
      }),
    )
  })

  it('is looked for in a time that grows with the input alone', () => {
    for (const piece of [
      'a',
      'client_id',
      'client_id=',
      '"',
      '{',
      '--id ',
      'cfast_',
      '0',
      'x:',
      '\t',
      'id: |-\n',
    ])
      expect(() => readCopiedPair([{text: piece.repeat(COPIED_LIMIT / piece.length)}], {next: []})).toThrow(
        UserError,
      )
  })
})
