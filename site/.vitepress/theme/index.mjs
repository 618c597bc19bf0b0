// The default theme without its web font: the reader's own.
export {default} from 'vitepress/theme-without-fonts'
