import './styles/index.css'
import { render } from 'preact'
import { Router } from 'wouter-preact'
import { App } from './app.tsx'
import { routerBase } from './router.ts'
import { start } from './state/caller.ts'
import { loadTexts } from './texts/index.ts'

const [root] = [document.getElementById('app') as HTMLElement]
await Promise.all([loadTexts('shell'), start()])
render(
  <Router base={routerBase}>
    <App />
  </Router>,
  root,
)
