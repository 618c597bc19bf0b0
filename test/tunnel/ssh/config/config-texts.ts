import fc from 'fast-check'

export const HOSTS = ['a.example', 'b.example', 'git.b.example'] as const

/** Settings that ssh understands and that no host needs to be resolved for. */
const setting = fc.constantFrom(
  'Compression yes',
  'ServerAliveInterval=17',
  '\tUser somebody',
  '  Port 2222',
  'IdentityFile "~/.ssh/a key"',
  'SENDENV LANG',
  'HostName inner.example',
  'AddKeysToAgent no',
  'HostKeyAlias   alias ',
)
const section = fc.constantFrom(
  'Host *',
  'Host *.example !b.example',
  'host other.example a.example',
  '  HOST=third.example',
  '"Host" fourth.example',
  'Match all',
  'Match host a.example,other.example user root',
)
const remark = fc.constantFrom(
  '',
  '   ',
  '# a remark',
  '\t# zt is here',
  '#zt: begin x',
  '# H\u00F6st \u00FF\u00FE',
)

/** Lines as people have them, without ends. */
export const configLines = fc.array(fc.oneof(setting, section, remark), {maxLength: 25})

/** Whole files in latin1: any line ends, mixed ones too, with and without one at the end. */
export const configTexts = fc
  .record({
    lines: configLines,
    ends: fc.constantFrom(['\n'], ['\r\n'], ['\n', '\r\n'], ['\r\n', '\n', '\n']),
    last: fc.constantFrom('', '\r', undefined),
  })
  .map(({lines, ends, last}) =>
    lines
      .map(
        (line, at) =>
          line + (at === lines.length - 1 && last !== undefined ? last : (ends[at % ends.length] ?? '')),
      )
      .join(''),
  )
