import theme from 'vitepress/theme-without-fonts'
import './wide.css'

/** The default theme without its web font: the reader's own. */
export default {
  extends: theme,
  enhanceApp() {
    if (typeof window !== 'undefined') window.addEventListener('click', copyCommands, true)
  },
}

/** The button beside a session copies its commands, to be pasted as they are, without the prompts and what was printed. */
function copyCommands(event) {
  const button = event.target.closest?.('div.language-console > button.copy')
  if (!button) return
  event.stopPropagation()
  const text = button.parentElement.querySelector('pre').textContent
  void navigator.clipboard.writeText(commandsIn(text)).then(() => {
    button.classList.add('copied')
    setTimeout(() => button.classList.remove('copied'), 2000)
  })
}

/** What was typed: each line with a prompt, and the lines that go on from it. */
function commandsIn(session) {
  const typed = []
  let goesOn = false
  for (const line of session.split('\n')) {
    goesOn = line.startsWith('$ ') || (goesOn && line.startsWith('> '))
    if (goesOn) typed.push(line.slice(2).replace(/ +# exit \d+$/, ''))
  }
  return typed.join('\n')
}
