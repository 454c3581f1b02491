// Sets the kept theme before the first paint, so that no page flashes in the other one.
try {
  const theme = localStorage.getItem("millrace.theme")
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme
} catch {}
