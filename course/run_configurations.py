"""The run configurations for IntelliJ IDEA and PyCharm: two a lesson, in `.run/`."""

from pathlib import Path

from course.lessons import Lesson

_COMMON = """\
    <module name="" />
    <option name="PARENT_ENVS" value="true" />
    <option name="SDK_HOME" value="" />
    <option name="WORKING_DIRECTORY" value="$PROJECT_DIR$" />
    <option name="IS_MODULE_SDK" value="true" />
    <option name="ADD_CONTENT_ROOTS" value="true" />
    <option name="ADD_SOURCE_ROOTS" value="true" />
"""
_FILE = """\
<component name="ProjectRunConfigurationManager">
  <configuration default="false" name="{name}" type="PythonConfigurationType" factoryName="Python">
{common}    <option name="SCRIPT_NAME" value="course" />
    <option name="PARAMETERS" value="{parameters}" />
    <option name="MODULE_MODE" value="true" />
    <method v="2" />
  </configuration>
</component>
"""


def texts(lessons: list[Lesson]) -> dict[str, str]:
    """Return the text of each file that belongs in `.run/`, by its name."""
    found = {}
    for lesson in lessons:
        for what, command in (("run", "lesson"), ("check", "check")):
            name = f"Lesson {lesson.number:02} - {what}"
            parameters = f"{command} {lesson.number}"
            text = _FILE.format(name=name, common=_COMMON, parameters=parameters)
            found[f"{name}.run.xml"] = text
    return found


def write(lessons: list[Lesson], folder: Path) -> None:
    """Write the files, and remove those that belong to no lesson."""
    folder.mkdir(exist_ok=True)
    wanted = texts(lessons)
    for path in folder.glob("*.run.xml"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")
