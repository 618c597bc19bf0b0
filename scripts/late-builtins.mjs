/**
 * An esbuild plugin that loads these modules of node on first use: each takes a millisecond or more, and most runs do not
 * need them.
 */
export const lateBuiltins = {
  name: 'late-builtins',
  setup({onResolve, onLoad}) {
    onResolve({filter: /^node:(crypto|fs\/promises)$/}, ({path: name, namespace}) =>
      namespace === 'late' ? {path: name, external: true} : {path: name, namespace: 'late'},
    )
    onLoad({filter: /.*/, namespace: 'late'}, ({path: name}) => ({
      contents: `module.exports = new Proxy({}, {get: (_, name) => require(${JSON.stringify(name)})[name]})`,
      loader: 'js',
    }))
  },
}
