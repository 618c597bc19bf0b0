/**
 * The commands of a shell's text, each as its words: those of pipes, lists and substitutions too. Redirections and comments
 * are left out. Not a shell's whole grammar, but what a manual shows.
 */
export function simpleCommands(text: string): string[][] {
  const commands: string[][] = [[]]
  let word: string | undefined
  const endWord = (): void => {
    if (word !== undefined) commands.at(-1)?.push(word)
    word = undefined
  }
  const endCommand = (): void => {
    endWord()
    commands.push([])
  }
  for (let at = 0; at < text.length; at++) {
    const rest = text.slice(at)
    const take = (pattern: RegExp): string | undefined => {
      const found = pattern.exec(rest)
      if (found !== null) at += found[0].length - 1
      return found === null ? undefined : (found[1] ?? found[0])
    }
    const one = text[at] ?? ''
    let part: string | undefined
    if (take(/^\\\n/) !== undefined) continue
    else if (word === undefined && take(/^#[^\n]*/) !== undefined) continue
    else if (one === "'") part = take(/^'([^']*)'/) ?? one
    else if (one === '"') part = (take(/^"((?:\\[^]|[^"\\])*)"/) ?? one).replaceAll(/\\(["\\$`])/g, '$1')
    else if (one === '\\') part = take(/^\\([^])/) ?? one
    else if (one === '{' || one === '}') part = one
    else if (word === undefined || /^\d+$/.test(word)) {
      // With its target, unless that is a process.
      if (take(/^(?:&>|[<>]{1,3}(?!\())[&-]?[ \t]*(?:\d+\b|"[^"]*"|'[^']*'|[^\s|;&()<>]*)/) !== undefined) {
        word = undefined
        continue
      }
    }
    if (part !== undefined) word = (word ?? '') + part
    else if (take(/^(?:\$\(|<\(|>\(|[|;&()\n`]+)/) !== undefined) endCommand()
    else if (/\s/.test(one)) endWord()
    else word = (word ?? '') + one
  }
  endCommand()
  return commands.filter((words) => words.length > 0)
}
