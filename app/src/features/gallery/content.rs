//! What shows: badges, people, tabs, tables, code, times, icons.

use leptos::prelude::*;

use super::Section;
use crate::ui::{
    AccordionItem, AgentAvatar, Avatar, Badge, BadgeTone, Breadcrumb, CodeBlock, Column, Crumb, DataTable, Glyph, Icon, OrganizationMark, Status, StatusPill,
    Tab, TabPanel, Tabs, TimeForm, Timestamp, icon::GLYPHS,
};

#[component]
pub fn Badges() -> impl IntoView {
    view! {
        <Section title="Badge, StatusPill, Avatar, AgentAvatar">
            <div class="gal-r">{Status::ALL.map(|status| view! { <StatusPill status=status/> }).collect_view()} <StatusPill status=Status::Succeeded words="2 sources".to_owned()/></div>
            <div class="gal-r">
                <Badge>"Plain"</Badge>
                <Badge tone=BadgeTone::Agent icon=Glyph::Globe>"Researcher"</Badge>
                <Badge tone=BadgeTone::You>"You"</Badge>
                <Badge tone=BadgeTone::Wait>"Waits"</Badge>
                <Badge tone=BadgeTone::Ok>"Good"</Badge>
                <Badge tone=BadgeTone::Bad>"Bad"</Badge>
                <Badge tone=BadgeTone::Simulated icon=Glyph::Flask>"Practice model · Simulated"</Badge>
                <span class="live" role="img" aria-label="running"></span>
            </div>
            <div class="gal-r">
                <Avatar name="Mara Lindqvist" size=20/><Avatar name="Mara Lindqvist"/><Avatar name="Ada" size=28/><Avatar name="Tomás de la Cruz" size=32/>
                <AgentAvatar size=20/><AgentAvatar of=Glyph::Route/><AgentAvatar of=Glyph::Globe size=28/><AgentAvatar of=Glyph::Pencil size=32/>
                <OrganizationMark name="Alder Cycles"/>
            </div>
        </Section>
    }
}

#[component]
pub fn Content() -> impl IntoView {
    let tab = RwSignal::new(0);
    let tabs = vec![
        Tab { label: "Preview".to_owned(), count: None },
        Tab { label: "Source".to_owned(), count: None },
        Tab { label: "Changes".to_owned(), count: Some(3) },
    ];
    let way = vec![Crumb { name: "Settings".to_owned(), href: Some("#main".to_owned()) }, Crumb { name: "API keys".to_owned(), href: None }];
    let columns = vec![Column::words("Country"), Column::numbers("Packs"), Column::words("Language"), Column::words("")];
    view! {
        <Section title="Breadcrumb, Tabs, Accordion, DataTable, Timestamp">
            <Breadcrumb way=way/>
            <div>
                <Tabs id="g" label="Artifact" tabs=tabs selected=tab/>
                <TabPanel id="g" index=0 selected=tab>"The preview."</TabPanel>
                <TabPanel id="g" index=1 selected=tab>"The source."</TabPanel>
                <TabPanel id="g" index=2 selected=tab>"Three changes."</TabPanel>
            </div>
            <div>
                <AccordionItem title="What is a run?" group="g-faq" open=true>"One execution: a chat turn, a workflow, a work item."</AccordionItem>
                <AccordionItem title="What survives a killed server?" group="g-faq">"All of it."</AccordionItem>
            </div>
            <DataTable label="Affected packs" columns=columns>
                <tr><td>"Germany"</td><td class="r">"118"</td><td>"German"</td><td></td></tr>
                <tr><td>"France"</td><td class="r">"64"</td><td>"French"</td><td></td></tr>
            </DataTable>
            <div class="gal-r">
                <Timestamp at="2026-01-05T09:12:00Z"/>
                <Timestamp at="2026-01-05T09:12:00Z" form=TimeForm::Clock/>
            </div>
        </Section>
    }
}

#[component]
pub fn Code() -> impl IntoView {
    let text = "select c.country, count(*) as packs -- both ends included, and a line that is long enough to show how wrapping behaves in a narrow column\nfrom orders where pack = 'K4-2207';";
    let spans = [
        ("tk", "select"),
        ("", " c.country, "),
        ("tf", "count"),
        ("tp", "(*)"),
        ("tk", " as"),
        ("", " packs "),
        ("tc", "-- both ends included\n"),
        ("tk", "from"),
        ("", " orders "),
        ("tk", "where"),
        ("", " pack = "),
        ("ts", "'K4-2207'"),
        ("tp", ";"),
    ];
    let colored = spans.map(|(class, text)| (class, text.to_owned())).to_vec();
    let colored_text: String = spans.iter().map(|(_, text)| *text).collect();
    view! {
        <Section title="CodeBlock">
            <CodeBlock language="SQL" text=colored_text spans=Some(colored)/>
            <CodeBlock language="" text=text spans=None/>
        </Section>
    }
}

#[component]
pub fn Icons() -> impl IntoView {
    view! {
        <Section title="Icon">
            <div class="gal-r">{GLYPHS.iter().map(|of| view! { <Icon of=*of size=20/> }).collect_view()}</div>
        </Section>
    }
}
