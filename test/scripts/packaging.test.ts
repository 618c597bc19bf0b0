import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import {describe, expect, it} from 'vitest'
import YAML from 'yaml'

const scripts = path.resolve(import.meta.dirname, '../../scripts')
const {fill} = (await import(path.join(scripts, 'fill.mjs'))) as {
  fill: (template: string, values: Record<string, string>) => string
}
const {manifests} = (await import(path.join(scripts, 'manifests.mjs'))) as {
  manifests: (release: object) => Record<string, string>
}
const {debianVersion, makeDeb} = (await import(path.join(scripts, 'debian.mjs'))) as {
  debianVersion: (version: string) => string
  makeDeb: (release: object) => Promise<string>
}

const executable = {name: 'zt-for-windows.exe', sum: 'ab'.repeat(32)}
const licences = {name: 'LICENSES.txt', sum: 'cd'.repeat(32)}
const url = 'https://example.com/zt/releases/download/v1.2.3'
const RELEASE = {
  ...{version: '1.2.3', date: new Date('2026-03-05T01:30:00Z'), url, executable, licences},
  ...{homepage: 'https://example.com/zt', publisher: 'Example'},
}

describe('a template', () => {
  it('is filled with text that it does not read again', () => {
    expect(fill('{{A}}, {{B}}, {{A}}', {A: '{{B}}', B: '$&'})).toBe('{{B}}, $&, {{B}}')
  })

  it.each([
    ['needs', '{{A}} {{B}}', {A: ''}],
    ['does not use', '{{A}}', {A: '', B: ''}],
  ])('%s B, which is an error', (words, template, values) => {
    expect(() => fill(template, values as Record<string, string>)).toThrow(`${words} B`)
  })
})

describe("scoop's manifest", () => {
  const manifest = JSON.parse(manifests(RELEASE)['scoop/zt.json'] ?? '') as Record<string, unknown>

  it('names the executable and its licences with their checksums, and the command', () => {
    // The text behind # is the name that scoop gives the file, which becomes the command.
    expect(manifest).toMatchObject({
      version: '1.2.3',
      architecture: {
        '64bit': {
          url: [`${url}/${executable.name}#/zt.exe`, `${url}/${licences.name}`],
          hash: [executable.sum, licences.sum],
        },
      },
      bin: 'zt.exe',
    })
  })

  it('has only fields that scoop knows', () => {
    // https://github.com/ScoopInstaller/Scoop/blob/master/schema.json. Nothing is in `persist`: zt keeps no file beside itself.
    const known = ['version', 'description', 'homepage', 'license', 'architecture', 'bin']
    expect(Object.keys(manifest)).toEqual(known)
  })
})

describe("winget's manifests", () => {
  const read = (part: string): Record<string, unknown> =>
    // Types are those of the schema, not of YAML: a date is a string.
    YAML.parse(manifests(RELEASE)[`winget/Example.zt${part}.yaml`] ?? '', {schema: 'core'}) as Record<
      string,
      unknown
    >

  /** https://github.com/microsoft/winget-cli/tree/master/schemas/JSON/manifests/v1.9.0: what is required, then what is used. */
  const SCHEMAS: [string, string, string[], Record<string, RegExp>][] = [
    ['', 'version', ['DefaultLocale'], {}],
    [
      '.installer',
      'installer',
      ['Installers'],
      {
        Platform: /^Windows\.Desktop$/,
        MinimumOSVersion: /^\d+(\.\d+){3}$/,
        InstallerType: /^portable$/,
        Commands: /^zt$/,
        ReleaseDate: /^2026-03-05$/,
      },
    ],
    [
      '.locale.en-US',
      'defaultLocale',
      ['PackageLocale', 'Publisher', 'PackageName', 'License'],
      {
        PackageUrl: /^https:/,
        LicenseUrl: /^https:/,
        ShortDescription: /^.{3,256}$/,
        Copyright: /^.{3,512}$/,
        Moniker: /^\S{1,40}$/,
        Tags: /^(\S{1,40},?){1,16}$/,
      },
    ],
  ]

  it.each(SCHEMAS)('are of the schema, as "Example.zt%s" (%s)', (part, type, required, optional) => {
    const manifest = read(part)
    expect(manifest).toMatchObject({
      PackageIdentifier: 'Example.zt',
      PackageVersion: '1.2.3',
      ManifestType: type,
      ManifestVersion: '1.9.0',
    })
    const always = ['PackageIdentifier', 'PackageVersion', 'ManifestType', 'ManifestVersion']
    expect(Object.keys(manifest).sort()).toEqual([...always, ...required, ...Object.keys(optional)].sort())
    for (const [name, form] of Object.entries(optional)) expect(String(manifest[name]), name).toMatch(form)
  })

  it('name the executable with its checksum, in capitals as their validation shows it', () => {
    expect(read('.installer')['Installers']).toEqual([
      {
        Architecture: 'x64',
        InstallerUrl: `${url}/${executable.name}`,
        InstallerSha256: executable.sum.toUpperCase(),
      },
    ])
    expect(read('.locale.en-US')['LicenseUrl']).toBe(`${url}/${licences.name}`)
  })
})

describe('the Debian package', () => {
  it.each([
    ['0.1.0', '0.1.0-1'],
    ['1.0.0-rc.1', '1.0.0~rc.1-1'],
    ['1.0.0-alpha-2', '1.0.0~alpha-2-1'],
  ])('of %s is %s', (version, debian) => {
    expect(debianVersion(version)).toBe(debian)
  })

  it.each([
    [
      'an executable of another architecture',
      Buffer.from('\x7fELF\x02\x01\x01'.padEnd(18, '\0') + '\x3e\0', 'latin1'),
    ],
    ['a file that is no executable', Buffer.from('#!/bin/sh\n')],
  ])('is not made of %s', async (_, head) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'zt-deb-'))
    const executable = path.join(directory, 'zt')
    fs.writeFileSync(executable, head)
    try {
      const made = makeDeb({...RELEASE, executable, architecture: 'arm64', into: directory})
      await expect(made).rejects.toThrow('is not an executable for arm64')
      expect(fs.readdirSync(directory)).toEqual(['zt'])
    } finally {
      fs.rmSync(directory, {recursive: true})
    }
  })
})
