import fs from 'node:fs'
import path from 'node:path'

const SDK = /[\\/]node_modules[\\/]cloudflare[\\/].*\.mjs$/
/** Node's classes that load all of fetch, and ours that stand for them. */
const STANDS_FOR = {Headers: 'LightHeaders', Response: 'LightResponse', FormData: 'LightFormData'}

/**
 * Lets Cloudflare's SDK use src/lib/api/light-fetch.ts instead of node's Headers, Response and FormData. An esbuild
 * plugin.
 */
export const leanSdk = {
  name: 'lean-sdk',
  setup({onLoad, initialOptions}) {
    const file = path.join(initialOptions.absWorkingDir, 'src/lib/api/light-fetch.ts')
    onLoad({filter: SDK}, ({path: module}) => {
      const text = fs.readFileSync(module, 'utf8')
      const code = text.replaceAll(/\/\/.*|\/\*[^]*?\*\//g, '')
      const used = Object.keys(STANDS_FOR).filter((name) =>
        new RegExp(`\\b(new|instanceof) ${name}\\b`).test(code),
      )
      if (used.length === 0) return undefined
      const names = used.map((name) => `${STANDS_FOR[name]} as ${name}`).join(', ')
      return {contents: `import {${names}} from ${JSON.stringify(file)};${text}`, loader: 'js'}
    })
  },
}
