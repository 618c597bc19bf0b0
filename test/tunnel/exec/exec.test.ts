import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {checkNames} from '../../../src/lib/tunnel/exec/names.js'

describe('the names of the variables', () => {
  it.each([
    ['CF_ACCESS_CLIENT_ID', 'CF_ACCESS_CLIENT_SECRET'],
    ['id', '_secret'],
    ['TF_VAR_id', 'TF_VAR_secret'],
    ['A1', 'B2'],
  ])('%s and %s are taken', (id, secret) => {
    expect(checkNames({id, secret})).toEqual({id, secret})
  })

  it.each([
    ...[
      'PATH',
      'path',
      'Path',
      'HOME',
      'IFS',
      'BASH_ENV',
      'ENV',
      'PROMPT_COMMAND',
      'HTTPS_PROXY',
      'https_proxy',
    ],
    ...[
      'NODE_OPTIONS',
      'NODE_EXTRA_CA_CERTS',
      'LD_PRELOAD',
      'LD_LIBRARY_PATH',
      'LD_AUDIT',
      'DYLD_INSERT_LIBRARIES',
    ],
    ...[
      'PYTHONPATH',
      'PYTHONSTARTUP',
      'PERL5OPT',
      'RUBYOPT',
      'JAVA_TOOL_OPTIONS',
      'GIT_SSH_COMMAND',
      'SSL_CERT_FILE',
    ],
    ...['PSModulePath', 'ProgramData', 'SystemDrive', 'COMPlus_EnableDiagnostics', 'ComSpec', 'HOMEPATH'],
    ...['ZT_PROFILE', 'ZT_STORE', 'CLOUDFLARE_API_TOKEN', 'XDG_DATA_HOME', 'SSH_ASKPASS', 'EDITOR', 'LC_ALL'],
  ])('%s is refused, as programs take something else from it', (name) => {
    expect(() => checkNames({id: name, secret: 'S'})).toThrow(
      expect.objectContaining({code: 'VARIABLE_TAKEN'}),
    )
    expect(() => checkNames({id: 'I', secret: name})).toThrow(
      expect.objectContaining({code: 'VARIABLE_TAKEN'}),
    )
  })

  it.each(['', '1A', 'A-B', 'A B', 'A=B', 'A\nB', '\u00C4', 'BASH_FUNC_x%%', 'A\0'])(
    '%j is no name',
    (name) => {
      expect(() => checkNames({id: name, secret: 'S'})).toThrow(
        expect.objectContaining({code: 'BAD_VARIABLE_NAME', kind: 'usage'}),
      )
    },
  )

  it.each([
    ['A', 'A'],
    ['Secret', 'SECRET'],
  ])('%s and %s are one name', (id, secret) => {
    expect(() => checkNames({id, secret})).toThrow(expect.objectContaining({code: 'VARIABLES_EQUAL'}))
  })

  it('whatever is taken is a name that every shell accepts', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        try {
          checkNames({id: name, secret: 'OTHER_SECRET'})
        } catch {
          return
        }
        expect(name).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/)
      }),
    )
  })
})
