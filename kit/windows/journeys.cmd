@echo off
setlocal
set "PYTHONUTF8=1"
if not exist "%~dp0python\python.exe" (
  echo Python is missing: see step 2 of README.txt. 1>&2
  exit /b 2
)
"%~dp0python\python.exe" "%~dp0partner.py" %*
exit /b %ERRORLEVEL%
