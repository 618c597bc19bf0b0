// The manual as a static site: the project's Markdown as it is, with the README as its first page.
import fs from 'node:fs'
import path from 'node:path'
import {defineConfig} from 'vitepress'

const root = path.resolve(import.meta.dirname, '../..')
const read = (file) => fs.readFileSync(path.join(root, file), 'utf8')

/** The manual's parts, in the order of their names on the front page. */
const PARTS = {
  tutorial: 'Learn it',
  'how-to': 'Do something',
  reference: 'Look something up',
  explanation: 'Understand it',
}

const titleOf = (file) => /^# (.*)$/m.exec(read(file))?.[1]?.replaceAll('`', '') ?? file
const pagesIn = (folder) =>
  fs
    .readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`)

/** A folder of pages: as docs/index.md lists them, the others behind them by their titles. */
function part(folder, text) {
  const front = read('docs/index.md')
  const place = (file) => {
    const at = front.indexOf(`](${path.relative('docs', file)})`)
    return at < 0 ? Infinity : at
  }
  const items = pagesIn(folder)
    .map((file) => ({text: titleOf(file), link: `/${file}`, place: place(file)}))
    .sort((a, b) => (a.place === b.place ? a.text.localeCompare(b.text) : a.place - b.place))
  return {text, collapsed: false, items: items.map(({text: title, link}) => ({text: title, link}))}
}

const sidebar = [
  {
    items: [
      {text: 'On one screen', link: '/'},
      {text: 'The manual', link: '/docs/'},
    ],
  },
  ...Object.entries(PARTS).map(([folder, text]) => part(`docs/${folder}`, text)),
  {...part('docs/reference/commands', 'Commands'), collapsed: true},
  {
    ...part('docs', 'Work on zt'),
    collapsed: true,
    items: [
      {text: titleOf('CONTRIBUTING.md'), link: '/CONTRIBUTING.md'},
      ...part('docs', '').items.filter(({link}) => link !== '/docs/index.md'),
    ],
  },
]

export default defineConfig({
  title: 'zt',
  description: 'Cloudflare Access for machines: service tokens, rules, SSH through the tunnel',
  lang: 'en',
  // Where the site is on its server: `/` or, below another one, `/zt/`.
  base: process.env.SITE_BASE ?? '/',
  srcDir: '..',
  srcExclude: ['node_modules', 'dist*', 'test', 'site', 'src', 'coverage', 'bench', 'executable'].map(
    (name) => `${name}/**`,
  ),
  outDir: '../dist-site',
  cacheDir: 'node_modules/.cache/vitepress',
  rewrites: {'README.md': 'index.md'},
  // build.mjs checks all of them, and the headings that they lead to.
  ignoreDeadLinks: false,
  lastUpdated: false,
  markdown: {config: plainMarkdown},
  vite: {
    plugins: [{name: 'vue-of-the-site', enforce: 'pre', resolveId: vueOfTheSite}],
    // The index of the search is one file, which is loaded when one searches.
    build: {chunkSizeWarningLimit: 2000},
  },
  themeConfig: {
    search: {provider: 'local'},
    sidebar,
    outline: [2, 3],
    nav: [
      {text: 'Tutorial', link: '/docs/tutorial/setup.md'},
      {text: 'Manual', link: '/docs/'},
    ],
  },
})

/**
 * A page is Markdown and nothing else, so braces are text. Links to the code host's own pages, such as the comparison of two
 * versions, are text here, and a link to the README leads to the first page.
 */
function plainMarkdown(markdown) {
  const {rules} = markdown.renderer
  for (const name of ['text', 'code_inline']) {
    const render = rules[name]
    rules[name] = (...args) => render(...args).replaceAll('{{', '&#123;&#123;')
  }
  markdown.core.ruler.push('own-links', ({tokens, env}) => {
    const here = path.dirname(env.relativePath)
    for (const {children} of tokens) {
      let isLeft = false
      for (const token of children ?? []) {
        const href = token.type === 'link_open' ? token.attrGet('href') : undefined
        if (href !== undefined) isLeft = /^\.\.\/\.\.\/(compare|releases)\//.test(href)
        if (isLeft && /^link_/.test(token.type))
          Object.assign(token, {type: 'text', tag: '', nesting: 0, content: ''})
        else if (href?.includes('README.md') && path.join(here, href).replace(/#.*/, '') === 'README.md')
          token.attrSet('href', href.replace('README.md', 'index.md'))
      }
    }
  })
}

/** The pages are not below the node_modules that have Vue: what renders them, in site/.temp, loads it from there. */
function vueOfTheSite(id, _, {ssr}) {
  return ssr && /^vue(\/server-renderer)?$/.test(id) ? {id, external: true} : undefined
}
