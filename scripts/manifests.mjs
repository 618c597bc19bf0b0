// How Windows' package managers find the executable: a manifest for scoop, three for winget (docs/release.md).
import fs from 'node:fs'
import path from 'node:path'
import {fill} from './fill.mjs'

const root = path.resolve(import.meta.dirname, '..')

/**
 * @param {object} release
 * @param {string} release.version
 * @param {Date} release.date
 * @param {string} release.url below which the files of the release are
 * @param {string} release.homepage
 * @param {string} release.publisher as it begins winget's identifier
 * @param {{name: string, sum: string}} release.executable its name there, and its SHA-256 in hexadecimal
 * @param {{name: string, sum: string}} release.licences the same of its licences
 * @returns {Record<string, string>} the text of each file, by its path
 */
export function manifests({version, date, url, homepage, publisher, executable, licences}) {
  const template = (name) => fs.readFileSync(path.join(root, 'packaging', name), 'utf8')
  const identifier = `${publisher}.zt`
  const common = {IDENTIFIER: identifier, VERSION: version}
  const day = date.toISOString().slice(0, 10)
  const winget = {
    '': fill(template('winget/version.yaml'), common),
    '.installer': fill(template('winget/installer.yaml'), {
      ...common,
      URL: `${url}/${executable.name}`,
      DATE: day,
      SHA256: executable.sum.toUpperCase(),
    }),
    '.locale.en-US': fill(template('winget/locale.en-US.yaml'), {
      ...common,
      LICENSES_URL: `${url}/${licences.name}`,
      HOMEPAGE: homepage,
      PUBLISHER: publisher,
    }),
  }
  return {
    'scoop/zt.json': fill(template('scoop/zt.json'), {
      VERSION: version,
      URL: `${url}/${executable.name}`,
      LICENSES_URL: `${url}/${licences.name}`,
      HOMEPAGE: homepage,
      SHA256: executable.sum,
      LICENSES_SHA256: licences.sum,
    }),
    ...Object.fromEntries(
      Object.entries(winget).map(([part, text]) => [`winget/${identifier}${part}.yaml`, text]),
    ),
  }
}
